//! Postgres for baselines and for looking: plain, with prepared statements.

use std::error::Error;
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::error::{Result, fail};

/// A UUID as a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(pub(crate) uuid::Uuid);

impl ToSql for Id {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }

    to_sql_checked!();
}

pub(crate) async fn connect(url: &Url) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await?;
    // It ends with the client; what goes wrong before, the client is told.
    tokio::spawn(connection);
    Ok(client)
}

/// One number.
pub(crate) async fn number(client: &Client, statement: &str) -> Result<f64> {
    let row = client.query_one(&format!("SELECT ({statement})::float8"), &[]).await?;
    Ok(row.try_get::<_, Option<f64>>(0)?.unwrap_or_default())
}

/// Events that wait for something: all rows of the ledger.
pub(crate) async fn backlog(client: &Client) -> Result<f64> {
    number(client, "SELECT count(*) FROM webhook_outbox").await
}

/// Waits until no event waits any more.
pub(crate) async fn drained(client: &Client, max_wait: Duration) -> Result {
    let mut waited = Duration::ZERO;
    let pause = Duration::from_millis(20);
    while number(client, "SELECT count(*) FROM (SELECT FROM webhook_outbox LIMIT 1) AS waiting").await? > 0.0 {
        if waited > max_wait {
            return fail(format!("{} events still wait", backlog(client).await?));
        }
        sleep(pause).await;
        waited += pause;
    }
    Ok(())
}

/// Begins a figure: no events of another one, and nothing for the server to tidy up meanwhile.
pub(crate) async fn clear_events(client: &Client) -> Result {
    client.batch_execute("TRUNCATE webhook_events, webhook_payloads, webhook_outbox, webhook_attempts").await?;
    settle(client).await
}

/// Does now what the server would do in the middle of a measurement.
pub(crate) async fn settle(client: &Client) -> Result {
    for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
        client.batch_execute(statement).await?;
    }
    Ok(())
}
