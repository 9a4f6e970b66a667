//! `cargo xtask alerts`: Prometheus' own checks of the alert rules and of the configuration below `deploy/prometheus`.

use crate::error::{Result, fail};
use crate::services::packages;
use crate::{checkout, process};
use std::process::Command;
use std::thread;

const RULES: &str = "alerts.yml";
const CONFIGURATION: &str = "prometheus.yml";
/// The second takes days of samples.
const TESTS: [&str; 2] = ["alerts_test.yml", "alerts_hours_test.yml"];

pub(crate) fn alerts() -> Result {
    ensure_prometheus()?;
    promtool(&["check", "rules", RULES])?;
    promtool(&["check", "config", CONFIGURATION])?;
    // Each takes a core for some seconds.
    let outcomes = thread::scope(|scope| {
        let running = TESTS.map(|test| scope.spawn(move || promtool(&["test", "rules", test])));
        running.map(|test| test.join().unwrap_or_else(|_| fail("a check of the alert rules was not finished")))
    });
    outcomes.into_iter().collect()
}

/// Prometheus and promtool are one package. What it starts by itself on its usual port is left alone.
pub(crate) fn ensure_prometheus() -> Result {
    if ["prometheus", "promtool"].iter().all(|program| process::find(program).is_some()) {
        return Ok(());
    }
    packages::install(&["prometheus"], "Prometheus, which checks the alert rules", "")
}

fn promtool(arguments: &[&str]) -> Result {
    let directory = checkout::root()?.join("deploy/prometheus");
    process::run(Command::new("promtool").args(arguments).current_dir(directory))
}
