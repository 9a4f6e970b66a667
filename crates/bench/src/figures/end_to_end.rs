//! From Meta's request to the CRM, with everything running: how much, and how soon.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Scale;
use super::accept::requests;
use crate::deliveries::{Content, Deliveries};
use crate::deployment::{Deployment, Process};
use crate::error::{Error, Result};
use crate::load::{Pace, run};
use crate::report::{Report, plain, rounded};
use crate::sql::{self, backlog, clear_events, drained};
use crate::usage::process_cpu;
use crate::world::World;

const CONNECTIONS: usize = 64;
const LOWEST: f64 = 250.0;
/// So many events of each person, or about, are there before, processed: the speed of an empty database is of no interest,
/// plans that were made for one are none for any other, and a rate that is held for long is one of people who wrote before.
const HISTORY: u64 = 5;
const MAX_WAIT: Duration = Duration::from_mins(3);
/// For comparison with the goal: its latency counts at this rate.
const GOAL: u32 = 1_000;

/// What became of a rate that was tried.
struct Trial {
    rate: u32,
    held: bool,
    per_second: f64,
    /// How many events waited, each half second.
    backlog: Vec<f64>,
    /// From the request's being stored until what it says is there for others to read, in milliseconds.
    p50_ms: f64,
    p99_ms: f64,
    /// Of a core: the parts, in the order in which they were started.
    cores: Vec<f64>,
}

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let parts = parts(&world.deployment).await?;
    let people = Deliveries::new(&world.numbers(scale.tenants), scale.senders, Content::Texts);
    remember(world, &people, HISTORY * scale.senders, &parts[0]).await?;
    let highest = highest(world, scale, &people, &parts).await?;
    let open = scale.open.max(Duration::from_secs(5));
    // What was too much before has left work for the database, which is none of these rates'.
    sql::settle(&world.sql).await?;
    let half = hold(world, &people, &parts, (highest.per_second / 2.0) as u32, open).await?;
    sql::settle(&world.sql).await?;
    let goal = hold(world, &people, &parts, GOAL, open).await?;
    for part in parts {
        part.stop()?;
    }
    let row = |name: &str, held: &Trial| {
        let most = held.backlog.iter().copied().fold(0.0, f64::max);
        let cores: Vec<String> = held.cores.iter().map(|cores| format!("{cores:.2}")).collect();
        plain(
            name,
            format!(
                "{:.0}/s, stored to processed p50 {:.0} ms, p99 {:.0} ms, backlog at most {most:.0}; cores of api, relay, worker: {}",
                held.per_second,
                held.p50_ms,
                held.p99_ms,
                cores.join(", ")
            ),
        )
    };
    let rows = [
        row(&format!("end to end, highest rate held for {} s", scale.hold.as_secs()), &highest),
        row("end to end, half of that", &half),
        row(&format!("end to end, {GOAL}/s"), &goal),
    ];
    report.add("end_to_end", json(&highest, &half, &goal, scale), rows);
    Ok(())
}

fn json(highest: &Trial, half: &Trial, goal: &Trial, scale: &Scale) -> Value {
    json!({
        "messages_per_second": rounded(highest.per_second),
        "held_seconds": scale.hold.as_secs(),
        "highest": highest.json(),
        "half_rate": half.json(),
        "at_1000_per_second": goal.json(),
        "p99_ms": rounded(half.p99_ms),
    })
}

/// The api, the relay with the scheduler, and the worker.
pub(crate) async fn parts(deployment: &Deployment) -> Result<[Process; 3]> {
    let start = |roles: &'static str| deployment.start(roles);
    Ok([start("api").await?, start("relay,scheduler").await?, start("worker").await?])
}

/// Makes the history.
async fn remember(world: &World, people: &Deliveries, events: u64, api: &Process) -> Result {
    clear_events(&world.sql).await?;
    run(api.address, CONNECTIONS, Pace::Count(events), requests(people.clone())).await?;
    drained(&world.sql, MAX_WAIT).await?;
    sql::settle(&world.sql).await
}

/// Goes up in steps for as long as a short while of each holds, and then down until one holds for long.
async fn highest(world: &World, scale: &Scale, people: &Deliveries, parts: &[Process; 3]) -> Result<Trial> {
    let short = if scale.quick { Duration::from_secs(3) } else { Duration::from_secs(8) };
    let mut rate = 500.0;
    while hold(world, people, parts, rate as u32, short).await?.held {
        rate *= 1.25;
    }
    loop {
        rate *= 0.93;
        let held = hold(world, people, parts, rate as u32, scale.hold).await?;
        if held.held || rate < LOWEST {
            return Ok(held);
        }
    }
}

async fn hold(
    world: &World,
    people: &Deliveries,
    parts: &[Process; 3],
    rate: u32,
    duration: Duration,
) -> Result<Trial> {
    let since = sql::number(&world.sql, "extract(epoch FROM clock_timestamp())").await?;
    let cpu = |part: &Process| process_cpu(part.id());
    let (before, started) = (parts.each_ref().map(cpu), Instant::now());
    let load = run(parts[0].address, CONNECTIONS, Pace::Rate(rate, duration), requests(people.again()));
    let watch = async {
        let mut seen = Vec::new();
        while started.elapsed() < duration {
            sleep(Duration::from_millis(500)).await;
            seen.push(backlog(&world.sql).await?);
        }
        Ok::<_, Error>(seen)
    };
    let (outcome, seen) = tokio::join!(load, watch);
    let (outcome, seen, elapsed) = (outcome?, seen?, started.elapsed().as_secs_f64());
    let cores =
        parts.iter().zip(before).map(|(part, before)| (cpu(part).saturating_sub(before)).as_secs_f64() / elapsed);
    let cores = cores.collect();
    drained(&world.sql, MAX_WAIT).await?;
    let percentiles = world
        .sql
        .query_one(
            "SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took) FROM (
               SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at)::float8 * 1000 AS took
                 FROM webhook_events WHERE status = 'processed' AND received_at >= to_timestamp($1)) AS times",
            &[&since],
        )
        .await?;
    let percentiles: Vec<f64> = percentiles.try_get(0)?;
    let per_second = outcome.per_second();
    let held = outcome.refused == 0 && per_second >= 0.98 * f64::from(rate) && !grows(&seen, f64::from(rate));
    eprintln!(
        "    {rate}/s for {} s: {per_second:.0}/s accepted, at most {:.0} waiting, p99 {:.0} ms{}",
        duration.as_secs(),
        seen.iter().copied().fold(0.0, f64::max),
        percentiles[1],
        if held { "" } else { ": does not hold" }
    );
    Ok(Trial { rate, held, per_second, backlog: seen, p50_ms: percentiles[0], p99_ms: percentiles[1], cores })
}

/// Whether more wait in the last third than in the one before, by more than what comes in within a quarter of a second.
fn grows(backlog: &[f64], rate: f64) -> bool {
    let third = (backlog.len() / 3).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let (rest, last) = backlog.split_at(backlog.len().saturating_sub(third));
    mean(last) > mean(&rest[rest.len().saturating_sub(third)..]) + rate / 4.0
}

impl Trial {
    fn json(&self) -> Value {
        json!({
            "offered_per_second": self.rate,
            "per_second": rounded(self.per_second),
            "held": self.held,
            "p50_ms": rounded(self.p50_ms),
            "p99_ms": rounded(self.p99_ms),
            "backlog_at_most": self.backlog.iter().copied().fold(0.0, f64::max),
            "cores": { "api": rounded(self.cores[0]), "relay": rounded(self.cores[1]), "worker": rounded(self.cores[2]) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_held_rate() {
        let trial = |per_second| Trial {
            rate: 2_000,
            held: true,
            per_second,
            backlog: vec![90.0, 100.0],
            p50_ms: 100.0,
            p99_ms: 400.0,
            cores: vec![0.1, 0.2, 0.3],
        };
        let figures = json(&trial(1_999.0), &trial(1_000.0), &trial(1_000.0), &Scale::NORMAL);
        assert_eq!(figures["messages_per_second"], 1_999.0);
        assert_eq!((&figures["p99_ms"], &figures["at_1000_per_second"]["p99_ms"]), (&json!(400.0), &json!(400.0)));
        assert_eq!(figures["highest"]["backlog_at_most"], 100.0);
    }

    #[test]
    fn backlog_that_swings_is_not_growing() {
        let swings = [90.0, 300.0, 100.0, 280.0, 120.0, 310.0, 80.0, 290.0, 110.0];
        assert!(!grows(&swings, 1_000.0));
        let grown: Vec<f64> = (0..9).map(|second| f64::from(second) * 200.0).collect();
        assert!(grows(&grown, 1_000.0));
        assert!(!grows(&[], 1_000.0));
    }
}
