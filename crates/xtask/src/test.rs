//! `cargo xtask test`: everything that can be checked, in order, until something fails.

use crate::cli::TestOptions;
use crate::error::{Result, fail};
use crate::services::packages;
use crate::test_services::TestServices;
use crate::{checkout, circles, edges, process};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The whole workspace is named although one package has such tests: cargo chooses the features of dependencies for what
/// is named, and would otherwise compile the server a second time.
pub(crate) const INTEGRATION: &[&str] = &["test", "--workspace", "--test", "integration"];

type Step<'a> = (&'static str, Box<dyn Fn() -> Result + 'a>);

pub(crate) fn test(options: &TestOptions) -> Result {
    let cargo_step = |name, arguments: &[&'static str]| -> Step<'_> {
        let arguments = arguments.to_vec();
        (name, Box::new(move || process::run(cargo()?.args(&arguments))))
    };
    let mut steps: Vec<Step<'_>> = vec![("build needs", Box::new(packages::ensure_build_needs))];
    if !options.integration_only {
        steps.push(cargo_step("format", &["fmt", "--all", "--check"]));
        steps.push(cargo_step("lints", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]));
        steps.push(("edges", Box::new(edges::edges)));
        steps.push(("circles", Box::new(circles::circles)));
        steps.push(cargo_step("unit tests", &["test", "--workspace", "--lib", "--bins"]));
    }
    // Before their services start: compiling takes minutes.
    steps.push(cargo_step("integration build", &[INTEGRATION, &["--no-run"]].concat()));
    steps.push(("integration tests", Box::new(|| integration(options))));

    let mut summary = Vec::new();
    for (name, step) in &steps {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = step();
        let seconds = start.elapsed().as_secs();
        let mark = if outcome.is_ok() { "ok" } else { "FAILED" };
        summary.push(format!("  {name:<18} {mark:<6} {seconds:>5} s"));
        if let Err(cause) = outcome {
            println!("\n{}", summary.join("\n"));
            let left_out = steps.len() - summary.len();
            return fail(format!("{name}: {cause}{}", if left_out > 0 { " (later steps were not tried)" } else { "" }));
        }
    }
    println!("\n{}\nall passed", summary.join("\n"));
    Ok(())
}

fn cargo() -> Result<Command> {
    let mut command = process::cargo();
    command.current_dir(checkout::root()?);
    Ok(command)
}

fn integration(options: &TestOptions) -> Result {
    let mut command = Command::new(integration_program()?);
    command.current_dir(checkout::root()?.join("tests")).args(&options.filters);
    // The test harness reports times only as an unstable option, which this variable allows.
    command.args(["-Zunstable-options", "--report-time"]).env("RUSTC_BOOTSTRAP", "1");
    let services = TestServices::start(options.containers, &mut command)?;
    let mut times = Vec::new();
    let outcome = process::run_with_lines(&mut command, |line| {
        println!("{line}");
        times.extend(time_of(line));
    });
    println!("{}", slowest(times));
    // Cleaned up whether the tests passed, failed or were interrupted.
    services.remove().and(outcome)
}

/// The program that the integration tests were compiled to.
fn integration_program() -> Result<PathBuf> {
    let mut command = cargo()?;
    command.args(INTEGRATION).args(["--no-run", "--quiet", "--message-format", "json"]);
    let messages = process::output_within(&mut command, Duration::from_mins(20))?;
    let program = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let ours = message["target"]["name"] == "integration";
        message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
    });
    program.map_or_else(|| fail("cargo names no program of the integration tests"), Ok)
}

/// `test http::body_too_large_is_413 ... ok <0.123s>` took 0.123 s.
fn time_of(line: &str) -> Option<(f64, String)> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let seconds = result.split_once('<')?.1.strip_suffix("s>")?.parse().ok()?;
    Some((seconds, name.to_owned()))
}

fn slowest(mut times: Vec<(f64, String)>) -> String {
    times.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let lines = times.iter().take(10).map(|(seconds, name)| format!("\n  {seconds:>7.2} s  {name}"));
    format!("slowest tests:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_sorted() {
        let lines =
            ["test a::b ... ok <0.500s>", "test c ... FAILED <2.000s>", "running 2 tests", "test d ... ignored"];
        let times: Vec<_> = lines.iter().filter_map(|line| time_of(line)).collect();
        assert_eq!(slowest(times), "slowest tests:\n     2.00 s  c\n     0.50 s  a::b");
    }
}
