//! `cargo xtask test`: everything that can be checked, in order, until something fails.

use crate::cli::TestOptions;
use crate::error::{Result, fail};
use crate::services::packages;
use crate::test_services::TestServices;
use crate::{checkout, circles, edges, process};
use std::process::Command;
use std::time::Instant;

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
    let mut command = cargo()?;
    command.args(INTEGRATION).arg("--").args(&options.filters);
    let services = TestServices::start(options.containers, &mut command)?;
    let outcome = process::run(&mut command);
    // Cleaned up whether the tests passed, failed or were interrupted.
    services.remove().and(outcome)
}
