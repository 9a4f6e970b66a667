//! How long single requests take on a calm server: one that only checks its token, and a scrape of the metrics.

use std::time::Instant;

use serde_json::json;

use super::Scale;
use crate::error::{Result, fail};
use crate::http::Connection;
use crate::latency::Latencies;
use crate::report::{Report, rounded};
use crate::world::{World, get};

const REQUESTS: usize = 2_000;
const QUICK_REQUESTS: usize = 300;

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let api = world.api().await?;
    let mut connections = [Connection::open(api.address).await?, Connection::open(api.metrics_address).await?];
    // Checking a token takes one round trip to the database.
    let requests = [get("/auth/me", &world.tenants[0].token), get("/metrics", "")];
    let (mut taken, mut round_trips) = ([Latencies::new(), Latencies::new()], Latencies::new());
    let statement = world.sql.prepare("SELECT 1").await?;
    for _ in 0..if scale.quick { QUICK_REQUESTS } else { REQUESTS } {
        for ((request, connection), times) in requests.iter().zip(&mut connections).zip(&mut taken) {
            let started = Instant::now();
            let status = connection.send(request).await?;
            if status != 200 {
                return fail(format!("a request was answered {status}"));
            }
            times.note(started.elapsed());
        }
        let started = Instant::now();
        world.sql.query_one(&statement, &[]).await?;
        round_trips.note(started.elapsed());
    }
    api.stop()?;
    let round_trip = round_trips.percentile(500);
    let mut json = json!({ "round_trip_ms": rounded(round_trip) });
    let mut rows = Vec::new();
    let names = [("GET /auth/me", "token_check"), ("GET /metrics", "scrape")];
    for ((name, key), mut times) in names.into_iter().zip(taken) {
        let ratio = times.percentile(500) / round_trip;
        json[key] = times.json();
        json[key]["ratio"] = rounded(ratio);
        let baseline = format!("p50 {round_trip:.2} ms, a statement that reads nothing");
        rows.push([name.to_owned(), times.text(), baseline, format!("{ratio:.1}")]);
    }
    report.add("request", json, rows);
    Ok(())
}
