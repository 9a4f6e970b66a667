//! Deliveries that are answered 200, against inserts of the same events one by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::Scale;
use crate::deliveries::{Content, Deliveries};
use crate::error::Result;
use crate::load::{Outcome, Pace, Requests, run};
use crate::report::{Report, plain, rounded};
use crate::sql::{self, Id, clear_events};
use crate::world::World;

const CONNECTIONS: usize = 64;
const BASELINE_CONNECTIONS: usize = 16;
const RATES: [u32; 3] = [2_000, 5_000, 10_000];

/// What a program does that stores each event when it comes: event, bytes and ledger in one prepared statement, which is
/// also the transaction. Tenant and account are known already.
const INSERT: &str = "
WITH event AS (
  INSERT INTO webhook_events (id, tenant_id, account_id, app_id, kind, dedupe_key, status, received_at, traceparent)
  VALUES ($1, $2, $3, 'deployment', 'message.text', $4, 'received', $5, $6)
  RETURNING id, tenant_id
), payload AS (
  INSERT INTO webhook_payloads (event_id, tenant_id, body) SELECT id, tenant_id, $7 FROM event
)
INSERT INTO webhook_outbox (event_id, tenant_id, not_before) SELECT id, tenant_id, $5 FROM event";

/// What accepting reaches, and its baseline.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) outcome: Outcome,
    pub(crate) baseline_per_second: f64,
}

impl Accepted {
    pub(crate) fn ratio(&self) -> f64 {
        self.outcome.per_second() / self.baseline_per_second
    }
}

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let mut accepted = closed(world, scale).await?;
    let (highest, baseline, ratio) = (accepted.outcome.per_second(), accepted.baseline_per_second, accepted.ratio());
    let generator = accepted.outcome.generator_cpu.as_secs_f64() * 1e6 / accepted.outcome.accepted as f64;
    let mut rows = vec![
        [
            format!("accept, {CONNECTIONS} connections"),
            format!("{highest:.0}/s, {}", accepted.outcome.latencies.text()),
            format!("{baseline:.0}/s, single inserts by {BASELINE_CONNECTIONS} connections"),
            format!("{ratio:.2}"),
        ],
        plain("  of that the generator", format!("{generator:.0} µs of a core for each delivery")),
    ];
    clear_events(&world.sql).await?;
    let api = world.api().await?;
    let (mut open, mut at_half) = (Vec::new(), Value::Null);
    let half = (highest / 2.0) as u32;
    for rate in std::iter::once(half).chain(RATES) {
        let (tenants, senders) = (world.numbers(scale.tenants), scale.senders);
        let requests = requests(Deliveries::new(&tenants, senders, Content::Texts));
        let mut outcome = run(api.address, CONNECTIONS, Pace::Rate(rate, scale.open), requests).await?;
        let held = outcome.per_second() >= 0.98 * f64::from(rate) && outcome.refused == 0;
        let mut json = outcome.latencies.json();
        json["offered_per_second"] = json!(rate);
        json["per_second"] = rounded(outcome.per_second());
        json["refused"] = json!(outcome.refused);
        json["held"] = json!(held);
        let name = if rate == half { ", half of the highest rate" } else { "" };
        let not = if held { "" } else { "not held: " };
        rows.push(plain(
            &format!("accept, open loop of {rate}/s{name}"),
            format!("{not}{:.0}/s, {}", outcome.per_second(), outcome.latencies.text()),
        ));
        if rate == half {
            at_half = json;
        } else {
            open.push(json);
        }
        clear_events(&world.sql).await?;
    }
    api.stop()?;
    let mut json = accepted.outcome.latencies.json();
    json["per_second"] = rounded(highest);
    json["baseline_per_second"] = rounded(baseline);
    json["ratio"] = rounded(ratio);
    json["connections"] = json!(CONNECTIONS);
    json["generator_cpu_us"] = rounded(generator);
    json["half_rate"] = at_half;
    json["open_loop"] = json!(open);
    report.add("accept", json, rows);
    Ok(())
}

/// The highest rate: measured and baseline take turns, so that what else slows the machine slows both.
pub(crate) async fn closed(world: &World, scale: &Scale) -> Result<Accepted> {
    clear_events(&world.sql).await?;
    let api = world.api().await?;
    let numbers = world.numbers(scale.tenants);
    let next = || requests(Deliveries::new(&numbers, scale.senders, Content::Texts));
    // Connections are opened and statements prepared.
    run(api.address, CONNECTIONS, Pace::Count(2_000), next()).await?;
    let body: Vec<u8> = world.sql.query_one("SELECT body FROM webhook_payloads LIMIT 1", &[]).await?.try_get(0)?;
    let (mut outcome, mut inserted, mut inserting) = (Outcome::default(), 0, Duration::ZERO);
    for _ in 0..scale.rounds {
        let (rows, took) = insert_one_by_one(world, scale, &body).await?;
        inserted += rows;
        inserting += took;
        sql::settle(&world.sql).await?;
        outcome.add(run(api.address, CONNECTIONS, Pace::For(scale.turn), next()).await?);
        sql::settle(&world.sql).await?;
    }
    api.stop()?;
    Ok(Accepted { outcome, baseline_per_second: inserted as f64 / inserting.as_secs_f64() })
}

pub(crate) fn requests(deliveries: Deliveries) -> Requests {
    Arc::new(move |n| deliveries.request(n))
}

async fn insert_one_by_one(world: &World, scale: &Scale, body: &[u8]) -> Result<(u64, Duration)> {
    let url = world.deployment.database("parley_platform")?;
    let clients = try_join_all((0..BASELINE_CONNECTIONS).map(|_| sql::connect(&url))).await?;
    let started = Instant::now();
    let work = clients.iter().enumerate().map(|(place, client)| inserts(world, scale, client, place, body));
    let inserted: u64 = try_join_all(work).await?.iter().sum();
    Ok((inserted, started.elapsed()))
}

async fn inserts(world: &World, scale: &Scale, client: &Client, place: usize, body: &[u8]) -> Result<u64> {
    let clock = SystemClock::new();
    let statement = client.prepare(INSERT).await?;
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < scale.turn {
        let tenant = &world.tenants[(place + usize::try_from(done)?) % scale.tenants];
        let (id, now) = (clock.new_id(), std::time::SystemTime::from(clock.now()));
        let key = format!("m:{}:wamid.baseline.{id}", tenant.number.phone_number_id);
        let trace = format!("00-{}-00f067aa0ba902b7-01", id.simple());
        let (id, tenant_id, account) = (Id(id), Id(tenant.id), Id(tenant.account));
        client.execute(&statement, &[&id, &tenant_id, &account, &key, &now, &trace, &body]).await?;
        done += 1;
    }
    Ok(done)
}
