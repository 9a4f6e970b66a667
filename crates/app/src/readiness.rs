use std::error::Error;
use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http_api::{Check, Readiness};
use postgres::Postgres;
use rabbitmq::RabbitPublisher;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A readiness check must respond quickly.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// The dependencies are checked at most this often: the endpoint is public.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// What a process needs to serve. Checked on separate connections, so that a check neither waits for requests nor delays them.
pub(super) struct Dependencies {
    database: Postgres,
    /// `None` while the process waits for the database.
    broker: Option<RabbitPublisher>,
    needs_broker: bool,
    last: Mutex<Option<(Instant, Vec<Check>)>>,
    /// The reasons logged last.
    logged: Mutex<String>,
}

impl Dependencies {
    pub(super) fn new(database: Postgres, broker: Option<RabbitPublisher>, needs_broker: bool) -> Self {
        Self { database, broker, needs_broker, last: Mutex::new(None), logged: Mutex::new(String::new()) }
    }

    async fn run_checks(&self) -> Vec<Check> {
        let database = with_timeout(self.database.ping(), "cannot be reached");
        let migrations = with_timeout(self.database.pending_migrations(), "cannot be read");
        let broker = async {
            match &self.broker {
                Some(broker) => with_timeout(broker.ping(), "cannot be reached").await,
                None => Err(NotReady::without_reason("is not checked before the database is available")),
            }
        };
        let (database, migrations, broker) = tokio::join!(database, migrations, broker);
        let migrations = migrations.and_then(|pending| match pending.len() {
            0 => Ok(()),
            some => Err(NotReady::without_reason(format!("{some} pending; run `parley migrate`"))),
        });
        let checks = [("database", database), ("migrations", migrations), ("broker", broker)];
        self.log_changes(&checks).await;
        let check = |(name, state): (_, Result<(), NotReady>)| {
            let needed = name != "broker" || self.needs_broker;
            Check { name, needed, state: state.map_err(|not_ready| not_ready.text) }
        };
        checks.into_iter().map(check).collect()
    }

    /// Logs the reasons each time they change. They may name hosts and users, so the response does not have them.
    async fn log_changes(&self, checks: &[(&'static str, Result<(), NotReady>)]) {
        // The broker is not missing before it is checked.
        let checked = checks.iter().filter(|(name, _)| *name != "broker" || self.broker.is_some());
        let reasons: Vec<String> =
            checked.filter_map(|(name, state)| state.as_ref().err().map(|not_ready| not_ready.for_log(name))).collect();
        let reasons = reasons.join("; ");
        let mut logged = self.logged.lock().await;
        if *logged != reasons {
            if reasons.is_empty() {
                tracing::info!("all dependencies available");
            } else {
                tracing::warn!(reasons, "dependencies missing");
            }
            *logged = reasons;
        }
    }
}

#[async_trait]
impl Readiness for Dependencies {
    async fn check(&self) -> Vec<Check> {
        // Concurrent requests wait for this check and share its result.
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, checks)) if at.elapsed() < CACHE_TTL => checks.clone(),
            _ => {
                let checks = self.run_checks().await;
                *last = Some((Instant::now(), checks.clone()));
                checks
            }
        }
    }
}

/// The public text, and the reason, which is for the log only.
struct NotReady {
    text: String,
    reason: String,
}

impl NotReady {
    fn for_log(&self, name: &str) -> String {
        let Self { text, reason } = self;
        if reason.is_empty() { format!("{name} {text}") } else { format!("{name} {text}: {reason}") }
    }

    fn without_reason(text: impl Into<String>) -> Self {
        Self { text: text.into(), reason: String::new() }
    }
}

async fn with_timeout<T, E: Error>(check: impl Future<Output = Result<T, E>>, problem: &str) -> Result<T, NotReady> {
    match timeout(CHECK_TIMEOUT, check).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(NotReady { text: problem.to_owned(), reason: kernel::error_chain(&error) }),
        Err(_) => Err(NotReady::without_reason("does not respond")),
    }
}
