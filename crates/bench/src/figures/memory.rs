//! Resident memory of the api and of a worker: at rest, and the most under as much load as there can be.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Scale;
use super::accept::requests;
use super::end_to_end::parts;
use crate::deliveries::{Content, Deliveries};
use crate::error::Result;
use crate::load::{Pace, run};
use crate::report::{Report, plain, rounded};
use crate::sql::{clear_events, drained};
use crate::usage::memory;
use crate::world::World;

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    clear_events(&world.sql).await?;
    let parts = parts(&world.deployment).await?;
    sleep(Duration::from_secs(2)).await;
    let [api, _, worker] = &parts;
    let rest = [api, worker].map(|part| memory(part.id())[0]);
    let deliveries = Deliveries::new(&world.numbers(scale.tenants), scale.senders, Content::Everything);
    run(api.address, 64, Pace::For(scale.turn * 3), requests(deliveries)).await?;
    drained(&world.sql, Duration::from_mins(5)).await?;
    let load = [api, worker].map(|part| memory(part.id())[1]);
    for part in parts {
        part.stop()?;
    }
    clear_events(&world.sql).await?;
    let json = json!({
        "api": { "rest_mib": rounded(rest[0]), "load_mib": rounded(load[0]) },
        "worker": { "rest_mib": rounded(rest[1]), "load_mib": rounded(load[1]) },
    });
    let row = |name: &str, place: usize| {
        plain(
            &format!("memory of the {name}"),
            format!("{:.0} MiB at rest, {:.0} MiB at most", rest[place], load[place]),
        )
    };
    report.add("memory", json, [row("api", 0), row("worker", 1)]);
    Ok(())
}
