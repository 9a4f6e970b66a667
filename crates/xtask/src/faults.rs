//! `cargo xtask faults`: the tests that break things, on servers that they may stop and start.

use crate::cli::FaultOptions;
use crate::error::{Result, fail};
use crate::fault_servers::FaultServers;
use crate::services::packages;
use crate::test::INTEGRATION;
use crate::{alerts, checkout, process, signals};
use std::process::Command;
use std::time::{Duration, Instant};

/// Where the tests are that break things.
const FAULTS: &str = "faults::";

/// Tests below this module ask a real Prometheus.
const WATCHED: &str = "faults::alerts::";

/// Tests below these modules stop the servers, or what is the same to everybody else, or need the whole machine: one at a
/// time. The others break processes and queues of their own and run side by side.
const ALONE: [&str; 2] = ["faults::services::", "faults::volume::"];

pub(crate) fn faults(options: &FaultOptions) -> Result {
    packages::ensure_build_needs()?;
    // Before the servers start: compiling takes minutes.
    process::run(cargo()?.args(INTEGRATION).arg("--no-run"))?;
    let (alone, together): (Vec<String>, Vec<String>) =
        chosen(options)?.into_iter().partition(|test| ALONE.iter().any(|module| test.starts_with(module)));
    if together.iter().any(|test| test.starts_with(WATCHED)) {
        alerts::ensure_prometheus()?;
    }

    let servers = FaultServers::start()?;
    let outcome = rounds(
        options.times,
        &servers,
        &[("side by side", &together, &[]), ("one by one", &alone, &["--test-threads=1"])],
    );
    servers.end().and(outcome)
}

type Group<'a> = (&'static str, &'a [String], &'a [&'static str]);

/// All groups so many times, whatever fails; fails if anything did.
fn rounds(times: u32, servers: &FaultServers, groups: &[Group<'_>]) -> Result {
    let (mut summary, mut failed) = (Vec::new(), 0);
    for round in 1..=times {
        for (name, tests, options) in groups.iter().filter(|(_, tests, _)| !tests.is_empty()) {
            println!("\n=== round {round} of {times}: {} tests {name}", tests.len());
            let start = Instant::now();
            let mut command = cargo()?;
            command.args(INTEGRATION).args(["--", "--ignored", "--exact"]).args(*options).args(*tests);
            let outcome = process::run(servers.pass_addresses(&mut command));
            signals::check()?;
            let seconds = start.elapsed().as_secs();
            let mark = if outcome.is_ok() { "ok" } else { "FAILED" };
            failed += u32::from(outcome.is_err());
            summary.push(format!("  round {round:<3} {name:<13} {:>3} tests {mark:<6} {seconds:>5} s", tests.len()));
        }
    }
    println!("\n{}", summary.join("\n"));
    if failed == 0 { Ok(()) } else { fail(format!("fault tests failed in {failed} of {} runs", summary.len())) }
}

/// The tests that were asked for. They are marked as ignored, because without such servers they cannot be run; so are others,
/// which take long and are not about faults.
fn chosen(options: &FaultOptions) -> Result<Vec<String>> {
    let list = process::output_within(
        cargo()?.args(INTEGRATION).args(["--quiet", "--", "--list", "--ignored"]),
        Duration::from_mins(5),
    )?;
    let all = list.lines().filter_map(|line| line.strip_suffix(": test")).filter(|test| test.starts_with(FAULTS));
    let wanted = |test: &&str| options.filters.is_empty() || options.filters.iter().any(|filter| test.contains(filter));
    let chosen: Vec<String> = all.filter(wanted).map(str::to_owned).collect();
    if chosen.is_empty() { fail("there is no such fault test") } else { Ok(chosen) }
}

fn cargo() -> Result<Command> {
    let mut command = process::cargo();
    command.current_dir(checkout::root()?);
    Ok(command)
}
