use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Runs work that must finish even if the client disconnects. It uses the process's runtime: the web server's threads
/// have runtimes of their own, which end, with their tasks, before the server has stopped.
#[derive(Clone, Debug)]
pub struct Background {
    runtime: Handle,
    tasks: TaskTracker,
}

impl Background {
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, tasks: TaskTracker::new() }
    }

    /// Runs the work to its end, in the current span. Dropping the handle does not stop it.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tasks.spawn_on(work.in_current_span(), &self.runtime)
    }

    /// Waits until all work is done. Call it at process end, after the server has stopped.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn dropped_handle_does_not_stop_the_work() {
        let background = Background::new(Handle::current());
        let done = Arc::new(AtomicBool::new(false));
        let work = Arc::clone(&done);
        drop(background.spawn(async move {
            tokio::task::yield_now().await;
            work.store(true, Ordering::Relaxed);
        }));
        background.finish().await;
        assert!(done.load(Ordering::Relaxed));
    }
}
