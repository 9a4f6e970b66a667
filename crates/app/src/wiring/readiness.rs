use std::error::Error;
use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use postgres::Postgres;
use rabbitmq::RabbitPublisher;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::http::{Check, Readiness};

/// Who asks whether we are ready does not wait for long.
const PATIENCE: Duration = Duration::from_secs(2);
/// However often it is asked, the dependencies are looked at this often: anybody may ask.
const FRESH: Duration = Duration::from_secs(1);

/// What a process needs to serve. Looks with connections of its own, so that asking neither waits for nor disturbs work.
pub(super) struct Dependencies {
    database: Postgres,
    /// Nothing while only the database is waited for.
    broker: Option<RabbitPublisher>,
    needs_broker: bool,
    last: Mutex<Option<(Instant, Vec<Check>)>>,
    /// The reasons that the log has seen.
    said: Mutex<String>,
}

impl Dependencies {
    pub(super) fn new(database: Postgres, broker: Option<RabbitPublisher>, needs_broker: bool) -> Self {
        Self { database, broker, needs_broker, last: Mutex::new(None), said: Mutex::new(String::new()) }
    }

    async fn look(&self) -> Vec<Check> {
        let database = within(self.database.ping(), "cannot be reached");
        let migrations = within(self.database.pending_migrations(), "cannot be read");
        let broker = async {
            match &self.broker {
                Some(broker) => within(broker.ping(), "cannot be reached").await,
                None => Err(NotReady::plain("is not looked for before the database is there")),
            }
        };
        let (database, migrations, broker) = tokio::join!(database, migrations, broker);
        let migrations = migrations.and_then(|pending| match pending.len() {
            0 => Ok(()),
            some => Err(NotReady::plain(format!("{some} pending; run `parley migrate`"))),
        });
        let checks = [("database", database), ("migrations", migrations), ("broker", broker)];
        self.say(&checks).await;
        let check = |(name, state): (_, Result<(), NotReady>)| {
            let needed = name != "broker" || self.needs_broker;
            Check { name, needed, state: state.map_err(|not| not.said) }
        };
        checks.into_iter().map(check).collect()
    }

    /// The reasons go to the log, once each time they change: they may name hosts and users, which the answer must not.
    async fn say(&self, checks: &[(&'static str, Result<(), NotReady>)]) {
        // What is not looked for yet is not missing.
        let looked_for = checks.iter().filter(|(name, _)| *name != "broker" || self.broker.is_some());
        let reasons: Vec<String> =
            looked_for.filter_map(|(name, state)| state.as_ref().err().map(|not| not.for_log(name))).collect();
        let reasons = reasons.join("; ");
        let mut said = self.said.lock().await;
        if *said != reasons {
            if reasons.is_empty() {
                tracing::info!("everything that is needed is there");
            } else {
                tracing::warn!(reasons, "something that is needed is missing");
            }
            *said = reasons;
        }
    }
}

#[async_trait]
impl Readiness for Dependencies {
    async fn check(&self) -> Vec<Check> {
        // Whoever asks meanwhile waits for this look instead of looking, too.
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, checks)) if at.elapsed() < FRESH => checks.clone(),
            _ => {
                let checks = self.look().await;
                *last = Some((Instant::now(), checks.clone()));
                checks
            }
        }
    }
}

/// What may be said to anyone, and the reason, which may not.
struct NotReady {
    said: String,
    reason: String,
}

impl NotReady {
    fn for_log(&self, name: &str) -> String {
        let Self { said, reason } = self;
        if reason.is_empty() { format!("{name} {said}") } else { format!("{name} {said}: {reason}") }
    }

    fn plain(said: impl Into<String>) -> Self {
        Self { said: said.into(), reason: String::new() }
    }
}

async fn within<T, E: Error>(check: impl Future<Output = Result<T, E>>, problem: &str) -> Result<T, NotReady> {
    match timeout(PATIENCE, check).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(NotReady { said: problem.to_owned(), reason: kernel::error_chain(&error) }),
        Err(_) => Err(NotReady::plain("does not answer")),
    }
}
