use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use futures_util::FutureExt as _;
use iam::PasswordHasher;
use postgres::Postgres;
use rabbitmq::Queue;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use super::{Instance, Role};
use crate::Background;
use crate::http;
use crate::telemetry::Traces;

/// How long background work may take to finish what it has in hand; with the server's own time, well within 25 s.
const FINISH: Duration = Duration::from_secs(8);
/// How often the pools of connections and the queue of passwords are measured.
const MEASURE: Duration = Duration::from_secs(5);
/// Before a part that failed starts again.
const PAUSE: Duration = Duration::from_secs(1);

/// The parts of a process at work.
pub struct Running {
    /// Where the API listens, or only health and readiness, if the API is none of the parts.
    pub address: SocketAddr,
    server: (ServerHandle, JoinHandle<io::Result<()>>),
    parts: Parts,
    background: Background,
    traces: Traces,
}

/// The loops beside the server.
struct Parts {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Parts {
    /// Runs a loop until it is told to stop. One that ends before, which only a panic makes it do, starts again: the API
    /// would go on accepting what nobody processes.
    fn keep_running<F>(&self, part: &'static str, start: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            while !stop.is_cancelled() {
                let _ = AssertUnwindSafe(start(stop.clone())).catch_unwind().await;
                if !stop.is_cancelled() {
                    error!(part, "ended although nobody told it to; it starts again");
                    let _ = timeout(PAUSE, stop.cancelled()).await;
                }
            }
        });
    }
}

impl Instance {
    /// Starts the parts. The API is served on the listener.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn run(self, listener: TcpListener, threads: Option<NonZeroUsize>) -> io::Result<Running> {
        let roles = &self.roles;
        let parts = Parts { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let (postgres, hasher) = (self.postgres.clone(), self.state.identity.hasher.clone());
        parts.keep_running("measuring", move |stop| measure(postgres.clone(), hasher.clone(), stop));
        if roles.include(Role::Api) {
            // One: while it commits, the next batch collects.
            let flusher = self.flusher.clone();
            parts.keep_running("flusher", move |stop| flusher.clone().run(stop));
        }
        if roles.include(Role::Api) || roles.include(Role::Scheduler) {
            let keeper = self.key_keeper();
            parts.keep_running("key keeper", move |stop| keeper.clone().run(stop));
        }
        if roles.include(Role::Relay) {
            let relay = self.relay();
            parts.keep_running("relay", move |stop| relay.clone().run(stop));
        }
        if roles.include(Role::Worker) {
            let (worker, broker) = (self.worker(), self.broker.clone());
            parts.keep_running("worker", move |stop| worker.clone().run(Box::new(broker.source(Queue::Inbound)), stop));
            let (recorder, broker) = (self.recorder(), self.broker.clone());
            parts
                .keep_running("recorder", move |stop| recorder.clone().run(Box::new(broker.source(Queue::Dead)), stop));
        }
        if roles.include(Role::Scheduler) {
            let scheduler = self.scheduler();
            parts.keep_running("scheduler", move |stop| scheduler.clone().run(stop));
            let biller = self.biller();
            parts.keep_running("biller", move |stop| biller.clone().run(stop));
            let sealer = self.sealer();
            parts.keep_running("sealer", move |stop| sealer.clone().run(stop));
        }
        let address = listener.local_addr()?;
        let background = self.state.background.clone();
        let server = if roles.include(Role::Api) {
            http::bind(listener, self.state, threads)?
        } else {
            // Whoever watches the process asks it at the same place, whatever it does.
            http::bind_probes(listener, Arc::clone(&self.state.readiness))?
        };
        let server = (server.handle(), tokio::spawn(server));
        Ok(Running { address, server, parts, background, traces: self.traces })
    }
}

async fn measure(postgres: Postgres, hasher: PasswordHasher, stop: CancellationToken) {
    while !stop.is_cancelled() {
        postgres.measure();
        hasher.measure();
        let _ = timeout(MEASURE, stop.cancelled()).await;
    }
}

impl Running {
    /// Stops taking requests, finishes what is in hand, publishes what is committed, and stops taking deliveries.
    pub async fn stop(self) {
        let (handle, server) = self.server;
        handle.stop(true).await;
        if let Ok(Err(reason)) = server.await {
            error!(%reason, "the server did not stop well");
        }
        let finish = async {
            self.background.finish().await;
            self.parts.stop.cancel();
            self.parts.tasks.close();
            self.parts.tasks.wait().await;
        };
        if timeout(FINISH, finish).await.is_err() {
            error!("background work was cut off; the ledger and the broker keep what was not finished");
        }
        self.traces.finish().await;
        info!("stopped");
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}
