//! `cargo xtask bench`: the release (or the development build), on servers of its own that write everything to disk, under the load of the crate
//! `bench`.

use crate::cli::BenchOptions;
use crate::error::{Context, Result};
use crate::services::{self, Durability, packages};
use crate::store::Store;
use crate::{checkout, down, process};
use std::process::Command;

/// As the image has it. The hash alone, which logins are compared with, has it as well.
const GLIBC_TUNABLES: &str = "glibc.malloc.hugetlb=1";

pub(crate) fn bench(options: &BenchOptions) -> Result {
    packages::ensure_build_needs()?;
    // Before the servers start: compiling takes minutes.
    process::run(build(options).current_dir(checkout::root()?))?;
    let (profile, program) = if options.dev { ("debug", "parley-under-test") } else { ("release", "parley") };
    let built = checkout::target()?.join(profile);
    let parley = options.parley.clone().unwrap_or_else(|| built.join(program));

    down::clear_dead_test_runs()?;
    let mut store = Store::of_test_run()?;
    let postgres = services::postgres_private(&mut store, Durability::KeptAndTimed)?;
    let rabbitmq = services::rabbitmq_private(&mut store)?;
    let program = built.join("bench");
    let mut command = services::foreground(&program);
    command
        .arg("--parley")
        .arg(parley.canonicalize().context(|| format!("there is no {}", parley.display()))?)
        .arg("--directory")
        .arg(store.directory())
        .args(options.passed_on())
        .env("GLIBC_TUNABLES", GLIBC_TUNABLES)
        .env("PARLEY_BENCH_DATABASE_URL", &postgres.url)
        .env("PARLEY_BENCH_AMQP_URL", &rabbitmq.url);
    let outcome = process::run(&mut command);
    drop((postgres, rabbitmq));
    // After a failure the logs stay until the next run.
    if outcome.is_ok() { store.delete() } else { outcome }
}

fn build(options: &BenchOptions) -> Command {
    let mut build = process::cargo();
    if options.dev {
        // With the features of `test`, so that nothing is compiled again.
        build.args(["build", "--workspace", "--bin", "bench", "--bin", "parley-under-test"]);
        return build;
    }
    // Not the whole workspace: the tests ask for failpoints, which a release does not have.
    build.args(["build", "--release", "--package", "bench", "--bin", "bench"]);
    if options.parley.is_none() {
        // Together, so that they share what they depend on.
        build.args(["--package", "app", "--bin", "parley"]);
    }
    build
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmark_has_the_memory_settings_of_the_image() {
        let image = include_str!("../../../deploy/Dockerfile");
        assert!(image.contains(&format!("GLIBC_TUNABLES={GLIBC_TUNABLES}\n")));
    }
}
