//! How cost grows: with tenants, with what is stored, with workers.

use serde_json::{Map, Value, json};

use crate::bulk_data::{self, Size};
use crate::error::Result;
use crate::figures::{Scale, accept, process};
use crate::report::{Report, rounded};
use crate::world::World;

const TENANTS: [usize; 3] = [1, 10, 100];
/// Messages, of all tenants together.
const STORED: [u32; 2] = [10_000, 1_000_000];

pub(crate) async fn measure(world: &mut World, scale: &Scale, report: &mut Report) -> Result {
    world.grow(TENANTS[TENANTS.len() - 1]).await?;
    let mut figures = Map::new();
    for messages in STORED {
        forget(world).await?;
        // Of the tenants that are measured, which have the most to look through then.
        let each = messages / u32::try_from(scale.tenants)?;
        let size = Size { contacts: each / 10, messages: each };
        bulk_data::fill(world, &world.tenants[..scale.tenants], size, 0, size).await?;
        let name = format!("{messages} messages stored");
        figures.insert(format!("stored_{messages}"), step(world, scale, 1, &name, report).await?);
    }
    for workers in [1, 2] {
        forget(world).await?;
        let name = format!("{workers} worker processes");
        figures.insert(format!("workers_{workers}"), step(world, scale, workers, &name, report).await?);
    }
    for tenants in TENANTS {
        forget(world).await?;
        figures.insert(
            format!("tenants_{tenants}"),
            step(world, &Scale { tenants, ..*scale }, 1, &format!("{tenants} tenants"), report).await?,
        );
    }
    report.add("growth", Value::Object(figures), []);
    Ok(())
}

/// Each step begins with nothing that the one before has left.
async fn forget(world: &World) -> Result {
    world.sql.batch_execute("TRUNCATE contacts CASCADE").await?;
    Ok(())
}

async fn step(world: &World, scale: &Scale, workers: usize, name: &str, report: &mut Report) -> Result<Value> {
    let accepted = accept::closed(world, scale).await?;
    let drained = process::drain(world, scale, workers).await?;
    let [rate, of] = [accepted.outcome.per_second(), accepted.baseline_per_second];
    let row = |what: &str, rate: f64, of: f64| {
        [format!("{what}, {name}"), format!("{rate:.0}/s"), format!("{of:.0}/s"), format!("{:.2}", rate / of)]
    };
    report.add(
        name,
        json!({ "accept_per_second": rounded(rate), "process_per_second": rounded(drained.per_second) }),
        [row("accept", rate, of), row("process", drained.per_second, drained.baseline_per_second)],
    );
    Ok(json!({
        "accept": { "per_second": rounded(rate), "ratio": rounded(accepted.ratio()) },
        "process": { "per_second": rounded(drained.per_second), "ratio": rounded(drained.ratio()) },
    }))
}
