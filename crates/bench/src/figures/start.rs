//! How long a process takes until it is ready, and how large the program is.

use std::fs;

use serde_json::json;

use super::Scale;
use crate::error::Result;
use crate::latency::Latencies;
use crate::options::Options;
use crate::report::{Report, plain, rounded};
use crate::world::World;

const STARTS: usize = 5;

pub(crate) async fn measure(world: &World, scale: &Scale, options: &Options, report: &mut Report) -> Result {
    let mut times = Latencies::default();
    for _ in 0..if scale.quick { 2 } else { STARTS } {
        let process = world.deployment.start("api,relay,worker,sender,scheduler").await?;
        times.note(process.ready_after);
        process.stop()?;
    }
    let (median, longest) = (times.percentile(500), times.percentile(1_000));
    let json = json!({ "ready_ms": rounded(median), "longest_ms": rounded(longest) });
    report.add("start", json, [plain("start to ready", format!("{median:.0} ms, longest {longest:.0} ms"))]);
    let mib = fs::metadata(&options.parley)?.len() as f64 / 1_048_576.0;
    let row = plain("size of the program", format!("{mib:.1} MiB with line tables for backtraces"));
    report.add("binary", json!({ "mib": rounded(mib) }), [row]);
    Ok(())
}
