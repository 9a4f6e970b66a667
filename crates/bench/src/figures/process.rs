//! Draining events that wait, against the same statements with a transaction for each event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flows::{Database, lock_events, process_events, settle};
use futures_util::future::try_join_all;
use inbound::{EventLedger, UnfinishedEvent};
use kernel::ids::EventId;
use kernel::seal::KeyRing;
use kernel::{SystemClock, TenantScope};
use outbound::AttemptRefs;
use postgres::{LOCK_TIMEOUT, PoolSizes, Postgres, PostgresConfig};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Scale;
use super::accept::requests;
use crate::deliveries::{Content, Deliveries};
use crate::deployment::Process;
use crate::error::{Result, fail};
use crate::load::{Pace, run};
use crate::report::{Report, rounded};
use crate::sql::{self, backlog, clear_events, drained};
use crate::world::World;

const BASELINE_CONNECTIONS: usize = 8;
const MAX_WAIT: Duration = Duration::from_mins(5);
/// About a tenth of the events are from new people.
const EVENTS_PER_SENDER: u64 = 10;

/// What processing reaches, and its baseline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drained {
    pub(crate) per_second: f64,
    pub(crate) baseline_per_second: f64,
}

impl Drained {
    pub(crate) fn ratio(&self) -> f64 {
        self.per_second / self.baseline_per_second
    }

    fn json(&self, scale: &Scale) -> Value {
        json!({
            "per_second": rounded(self.per_second),
            "baseline_per_second": rounded(self.baseline_per_second),
            "ratio": rounded(self.ratio()),
            "events": scale.waiting,
            "baseline_events": scale.waiting_baseline,
        })
    }
}

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let drained = drain(world, scale, 1).await?;
    let Drained { per_second, baseline_per_second } = drained;
    let row = [
        format!("process, {} waiting events", scale.waiting),
        format!("{per_second:.0}/s"),
        format!("{baseline_per_second:.0}/s, a transaction each by {BASELINE_CONNECTIONS} connections"),
        format!("{:.2}", drained.ratio()),
    ];
    report.add("process", drained.json(scale), [row]);
    Ok(())
}

/// Half of the baseline, the drain with so many processes that work, and the other half.
pub(crate) async fn drain(world: &World, scale: &Scale, workers: usize) -> Result<Drained> {
    let halves = scale.waiting_baseline / 2;
    let before = one_by_one(world, scale, halves).await?;
    let per_second = drain_by_workers(world, scale, workers).await?;
    let after = one_by_one(world, scale, halves).await?;
    let baseline_per_second = 2.0 * halves as f64 / (before + after).as_secs_f64();
    clear_events(&world.sql).await?;
    Ok(Drained { per_second, baseline_per_second })
}

/// Accepts so many events while no worker runs.
async fn fill(world: &World, scale: &Scale, events: u64) -> Result {
    clear_events(&world.sql).await?;
    let api = world.api().await?;
    let deliveries =
        Deliveries::new(&world.numbers(scale.tenants), (events / EVENTS_PER_SENDER).max(1), Content::Everything);
    let outcome = run(api.address, 64, Pace::Count(events), requests(deliveries)).await?;
    api.stop()?;
    let waiting = backlog(&world.sql).await?;
    if outcome.refused > 0 || waiting < events as f64 {
        return fail(format!("{} of {events} deliveries were refused, {waiting} wait", outcome.refused));
    }
    sql::settle(&world.sql).await
}

async fn drain_by_workers(world: &World, scale: &Scale, workers: usize) -> Result<f64> {
    fill(world, scale, scale.waiting).await?;
    let started = Instant::now();
    let mut parts: Vec<Process> = vec![world.deployment.start("relay").await?];
    for _ in 0..workers {
        parts.push(world.deployment.start("worker").await?);
    }
    drained(&world.sql, MAX_WAIT).await?;
    // From the first event that was done: what it takes to start is another figure.
    let elapsed = sql::number(
        &world.sql,
        "SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(processed_at)) FROM webhook_events",
    )
    .await?;
    eprintln!(
        "    {} events in {elapsed:.1} s, {:.1} s from the start",
        scale.waiting,
        started.elapsed().as_secs_f64()
    );
    for part in parts {
        part.stop()?;
    }
    let processed = sql::number(&world.sql, "SELECT count(*) FROM webhook_events WHERE status = 'processed'").await?;
    if processed < scale.waiting as f64 {
        return fail(format!("only {processed} of {} events were processed", scale.waiting));
    }
    Ok(processed / elapsed)
}

/// The statements of the worker, on events that are in memory already, without the broker.
async fn one_by_one(world: &World, scale: &Scale, events: u64) -> Result<Duration> {
    fill(world, scale, events).await?;
    let url = |role: &str| -> Result<SecretString> { Ok(world.deployment.database(role)?.to_string().into()) };
    let connections = PoolSizes { tenant: BASELINE_CONNECTIONS, platform: 1, intake: 1 };
    let (app_url, platform_url) = (url("parley_app")?, url("parley_platform")?);
    // No audit record is written here.
    let audit_keys = Arc::new(KeyRing::new([("bench".to_owned(), vec![7; 32].into())])?);
    let config = PostgresConfig { app_url, platform_url, connections, lock_timeout: LOCK_TIMEOUT, audit_keys };
    let database = Postgres::new(&config)?;
    let unfinished = Arc::new(Mutex::new(unfinished(world, &database).await?));
    let started = Instant::now();
    let tasks = (0..BASELINE_CONNECTIONS).map(|_| {
        let (database, unfinished) = (database.clone(), Arc::clone(&unfinished));
        async move { tokio::spawn(process_each(database, unfinished)).await? }
    });
    try_join_all(tasks).await?;
    let elapsed = started.elapsed();
    let left = backlog(&world.sql).await?;
    if left > 0.0 { fail(format!("the baseline left {left} events")) } else { Ok(elapsed) }
}

async fn unfinished(world: &World, database: &Postgres) -> Result<Vec<UnfinishedEvent>> {
    let rows = world.sql.query("SELECT event_id::text FROM webhook_outbox ORDER BY event_id DESC", &[]).await?;
    let mut ids = Vec::new();
    for row in rows {
        ids.push(row.try_get::<_, String>(0)?.parse::<EventId>()?);
    }
    let mut tx = database.intake().await?;
    let outcome = EventLedger::unfinished_events(&mut *tx, &ids).await;
    let mut events = settle(tx, outcome).await?;
    // Taken from the end: in the order in which they came.
    events.reverse();
    Ok(events)
}

async fn process_each(database: Postgres, unfinished: Arc<Mutex<Vec<UnfinishedEvent>>>) -> Result {
    let clock = SystemClock::new();
    let refs = AttemptRefs::new(&KeyRing::new([("bench".to_owned(), vec![7; 32].into())])?);
    loop {
        let Some(event) = unfinished.lock().await.pop() else { return Ok(()) };
        let Some(tenant) = event.tenant else { return fail("an event without a tenant") };
        #[expect(clippy::disallowed_methods, reason = "the baseline is the worker's, with other transactions")]
        let scope = TenantScope::mint(tenant);
        loop {
            let mut tx = database.tenant(&scope).await?;
            let outcome = async {
                let locked = lock_events(&mut *tx, std::slice::from_ref(&event), &clock).await?;
                process_events(&mut *tx, locked, &refs, &clock).await
            }
            .await;
            match settle(tx, outcome).await {
                Err(kernel::StoreError::Retryable(_)) => {}
                outcome => break outcome.map(|_| ())?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_ratio() {
        let drained = Drained { per_second: 1_000.0, baseline_per_second: 250.0 };
        assert_eq!(drained.json(&Scale::QUICK)["ratio"], 4.0);
    }
}
