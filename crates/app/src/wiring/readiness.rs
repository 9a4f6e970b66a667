use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use postgres::Postgres;
use rabbitmq::RabbitPublisher;
use tokio::time::timeout;

use crate::http::{Check, Readiness};

/// Who asks whether we are ready does not wait for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process needs to serve.
pub(super) struct Dependencies {
    pub(super) database: Postgres,
    /// Nothing while it is not known yet.
    pub(super) publisher: Option<Arc<RabbitPublisher>>,
}

#[async_trait]
impl Readiness for Dependencies {
    async fn check(&self) -> Vec<Check> {
        let database = within(self.database.ping(), "cannot be reached");
        let migrations = within(self.database.pending_migrations(), "cannot be read");
        let broker = async {
            match &self.publisher {
                Some(publisher) => within(publisher.ping(), "cannot be reached").await,
                None => Err("is not looked for before the database is there".to_owned()),
            }
        };
        let (database, migrations, broker) = tokio::join!(database, migrations, broker);
        let migrations = migrations.and_then(|pending| match pending.len() {
            0 => Ok(()),
            some => Err(format!("{some} pending; run `parley migrate`")),
        });
        vec![
            Check { name: "database", state: database },
            Check { name: "migrations", state: migrations },
            Check { name: "broker", state: broker },
        ]
    }
}

/// The reason goes to the log only: it may name hosts and users.
async fn within<T, E: Display>(check: impl Future<Output = Result<T, E>>, problem: &str) -> Result<T, String> {
    match timeout(PATIENCE, check).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => {
            tracing::debug!(%reason, problem, "not ready");
            Err(problem.to_owned())
        }
        Err(_) => Err("does not answer".to_owned()),
    }
}
