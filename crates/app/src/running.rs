use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use config::ProcessRole;
use flows::SendBell as _;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use http_api::{Audience, Background, State};
use pipeline::NumberBells;
use postgres::Postgres;
use rabbitmq::{BellPublisher, Broker, Queue};
use telemetry::Traces;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use super::instance::Instance;
use super::job_bells::JOBS;
use super::send_bells::SENDS;

/// How long background work may take to finish on shutdown; with the server's own timeout, well within 25 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
/// How often the connection pools and the queue of password hashes are measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);
/// Before a task that failed is restarted.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Where a process listens.
#[derive(Debug)]
pub struct Listeners {
    /// For the API, or, without the role `api`, for health and readiness.
    pub api: TcpListener,
    /// For the operators' API; `None`: it has the address of the API.
    pub operators: Option<TcpListener>,
}

/// A running process.
pub struct Running {
    /// The address of the API, or, without the role `api`, of health and readiness.
    pub address: SocketAddr,
    /// The address of the operators' API, if it has its own.
    pub operator_address: Option<SocketAddr>,
    servers: Vec<(ServerHandle, JoinHandle<io::Result<()>>)>,
    loops: Loops,
    background: Background,
    traces: Traces,
}

/// The loops that run beside the server.
struct Loops {
    stop: CancellationToken,
    tasks: TaskTracker,
    restart_delay: Duration,
}

impl Loops {
    fn new(restart_delay: Duration) -> Self {
        Self { stop: CancellationToken::new(), tasks: TaskTracker::new(), restart_delay }
    }

    /// Runs a loop until `stop` is cancelled. A loop that ends earlier has panicked and is restarted: otherwise the API would
    /// accept events that are never processed.
    fn spawn<F>(&self, task: &'static str, start: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let (stop, restart_delay) = (self.stop.clone(), self.restart_delay);
        self.tasks.spawn(async move {
            while !stop.is_cancelled() {
                let _ = AssertUnwindSafe(start(stop.clone())).catch_unwind().await;
                if !stop.is_cancelled() {
                    error!(task, "task exited unexpectedly; restarting");
                    let _ = timeout(restart_delay, stop.cancelled()).await;
                }
            }
        });
    }
}

impl Instance {
    /// Starts the loops of the roles and the HTTP servers on the listeners.
    ///
    /// # Errors
    /// When a server cannot use its listener.
    pub fn run(self, listeners: Listeners) -> io::Result<Running> {
        let roles = &self.roles;
        let loops = Loops::new(RESTART_DELAY);
        let postgres = self.postgres.clone();
        let state = web::Data::clone(&self.state);
        loops.spawn("measuring", move |stop| measure(postgres.clone(), web::Data::clone(&state), stop));
        if roles.include(ProcessRole::Api) {
            let flusher = self.flusher.clone();
            loops.spawn("flusher", move |stop| flusher.clone().run(stop));
            let flusher = self.send_flusher.clone();
            loops.spawn("send flusher", move |stop| flusher.clone().run(stop));
        }
        if roles.include(ProcessRole::Api) || roles.include(ProcessRole::Scheduler) {
            let rotator = self.key_rotator();
            loops.spawn("key rotator", move |stop| rotator.clone().run(stop));
        }
        if roles.include(ProcessRole::Relay) {
            let relay = self.relay();
            loops.spawn("relay", move |stop| relay.clone().run(stop));
        }
        if roles.include(ProcessRole::Worker) {
            let (worker, broker) = (self.worker(), self.broker.clone());
            loops.spawn("worker", move |stop| worker.clone().run(Box::new(broker.consumer(Queue::Inbound)), stop));
            let (recorder, broker) = (self.dead_letter_recorder(), self.broker.clone());
            loops.spawn("dead letter recorder", move |stop| {
                recorder.clone().run(Box::new(broker.consumer(Queue::Dead)), stop)
            });
        }
        if roles.include(ProcessRole::Api) {
            for publisher in self.bell_publishers.clone() {
                loops.spawn("bell publisher", move |stop| publish_bells(Arc::clone(&publisher), stop));
            }
        }
        if roles.include(ProcessRole::Sender) {
            let (broker, bells) = (self.broker.clone(), Arc::clone(&self.bells));
            loops.spawn("bell listener", move |stop| {
                let bells = Arc::clone(&bells);
                listen_to_bells(broker.clone(), SENDS, move |subject| ring_number(&bells, subject), stop)
            });
            let sender = self.sender();
            loops.spawn("sender", move |stop| sender.clone().run(stop));
        }
        if roles.include(ProcessRole::Scheduler) {
            let scheduler = self.scheduler();
            loops.spawn("scheduler", move |stop| scheduler.clone().run(stop));
            let biller = self.biller();
            loops.spawn("biller", move |stop| biller.clone().run(stop));
            let (broker, bell) = (self.broker.clone(), Arc::clone(&self.job_bell));
            loops.spawn("job bell listener", move |stop| {
                let bell = Arc::clone(&bell);
                listen_to_bells(broker.clone(), JOBS, move |_| bell.notify_one(), stop)
            });
            let runner = self.job_runner();
            loops.spawn("job runner", move |stop| runner.clone().run(stop));
            let sweeper = self.media_sweeper();
            loops.spawn("media sweeper", move |stop| sweeper.clone().run(stop));
            let contact_jobs = self.contact_jobs();
            loops.spawn("contact jobs", move |stop| contact_jobs.clone().run(stop));
            let renewer = self.content_renewer();
            loops.spawn("content renewer", move |stop| renewer.clone().run(stop));
            let sealer = self.audit_sealer();
            loops.spawn("audit sealer", move |stop| sealer.clone().run(stop));
        }
        let Listeners { api, operators } = listeners;
        let address = api.local_addr()?;
        let operator_address = operators.as_ref().map(TcpListener::local_addr).transpose()?;
        let background = self.state.background.clone();
        let servers = if roles.include(ProcessRole::Api) {
            let options = &self.server_options;
            let audience = if operators.is_some() { Audience::AllButOperators } else { Audience::Everyone };
            let mut servers = vec![http_api::bind(api, self.state.clone(), audience, options)?];
            if let Some(listener) = operators {
                servers.push(http_api::bind(listener, self.state, Audience::Operators, options)?);
            }
            servers
        } else {
            // Health checks use the same address for each role.
            vec![http_api::bind_probes(api, Arc::clone(&self.state.readiness))?]
        };
        let servers = servers.into_iter().map(|server| (server.handle(), tokio::spawn(server))).collect();
        Ok(Running { address, operator_address, servers, loops, background, traces: self.traces })
    }
}

async fn publish_bells(publisher: Arc<Mutex<BellPublisher>>, stop: CancellationToken) {
    let mut publisher = publisher.lock().await;
    tokio::select! {
        () = stop.cancelled() => {}
        () = publisher.run() => {}
    }
}

async fn listen_to_bells(broker: Broker, kind: &'static str, rung: impl Fn(&str), stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = broker.listen_to_bells(kind, rung) => {}
    }
}

fn ring_number(bells: &NumberBells, subject: &str) {
    if let Ok(account) = subject.parse() {
        bells.ring(account);
    }
}

async fn measure(postgres: Postgres, state: web::Data<State>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        postgres.measure();
        crypto::refresh_metrics();
        state.limits.anonymous_refusals.log_ended_hour(state.clock.now());
        let _ = timeout(MEASURE_INTERVAL, stop.cancelled()).await;
    }
    state.limits.anonymous_refusals.log_rest();
}

impl Running {
    /// Stops accepting requests, finishes running requests and background work, then stops the loops and exports the last spans.
    pub async fn stop(self) {
        join_all(self.servers.iter().map(|(handle, _)| handle.stop(true))).await;
        for (_, server) in self.servers {
            if let Ok(Err(reason)) = server.await {
                error!(%reason, "HTTP server shutdown failed");
            }
        }
        let finish = async {
            self.background.finish().await;
            self.loops.stop.cancel();
            self.loops.tasks.close();
            self.loops.tasks.wait().await;
        };
        if timeout(SHUTDOWN_TIMEOUT, finish).await.is_err() {
            error!("shutdown timed out; unfinished events remain in the database and the broker");
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn panicked_loop_is_restarted_and_stops_on_request() {
        let loops = Loops::new(Duration::from_millis(1));
        let (starts, restarted) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counter, notify) = (Arc::clone(&starts), Arc::clone(&restarted));
        loops.spawn("test", move |stop| {
            let (count, notify) = (counter.fetch_add(1, Ordering::Relaxed), Arc::clone(&notify));
            async move {
                assert!(count > 0, "the first start fails");
                notify.notify_one();
                stop.cancelled().await;
            }
        });
        restarted.notified().await;
        loops.stop.cancel();
        loops.tasks.close();
        loops.tasks.wait().await;
        assert_eq!(starts.load(Ordering::Relaxed), 2);
    }
}
