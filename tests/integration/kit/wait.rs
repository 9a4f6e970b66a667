//! Waiting for what happens in the background.

use std::time::{Duration, Instant};

/// More than anything here takes; whoever waits for longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(DEADLINE, what, ask).await
}

/// The same with a time limit of its own.
pub(crate) async fn within<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < limit, "gave up waiting for {what} after {limit:?}");
        tokio::time::sleep(INTERVAL).await;
    }
}
