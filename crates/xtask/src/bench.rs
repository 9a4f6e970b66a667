//! `cargo xtask bench`: the release, on servers of its own that write everything to disk, under the load of the crate
//! `bench`.

use crate::cli::BenchOptions;
use crate::error::{Context, Result};
use crate::services::{self, Durability, packages};
use crate::store::Store;
use crate::{checkout, down, process};

/// As the image has it. The hash alone, which logins are compared with, has it as well.
const GLIBC_TUNABLES: &str = "glibc.malloc.hugetlb=1";

pub(crate) fn bench(options: &BenchOptions) -> Result {
    packages::ensure_build_needs()?;
    // Before the servers start: compiling takes minutes. Together, so that they share what they depend on.
    let mut build = process::cargo();
    // Not the whole workspace: the tests ask for failpoints, which a release does not have.
    build.current_dir(checkout::root()?).args(["build", "--release", "--package", "bench", "--bin", "bench"]);
    if options.parley.is_none() {
        build.args(["--package", "app", "--bin", "parley"]);
    }
    process::run(&mut build)?;
    let release = checkout::target()?.join("release");
    let parley = options.parley.clone().unwrap_or_else(|| release.join("parley"));

    down::clear_dead_test_runs()?;
    let mut store = Store::of_test_run()?;
    let postgres = services::postgres_private(&mut store, Durability::KeptAndTimed)?;
    let rabbitmq = services::rabbitmq_private(&mut store)?;
    let program = release.join("bench");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmark_has_the_memory_settings_of_the_image() {
        let image = include_str!("../../../deploy/Dockerfile");
        assert!(image.contains(&format!("GLIBC_TUNABLES={GLIBC_TUNABLES}\n")));
    }
}
