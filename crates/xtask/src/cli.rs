//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Developer commands of Parley.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = SERVICES, disable_help_subcommand = true, term_width = 0)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const SERVICES: &str = "\
Postgres and RabbitMQ come, each by itself, from the first of these that there is:
  1. the environment:    DATABASE_URL (a superuser's) and AMQP_URL for `run`;
                         PARLEY_TEST_DATABASE_URL (a superuser's) and PARLEY_TEST_AMQP_URL for `test`
  2. a Docker engine that has or can pull the images postgres:17 and rabbitmq:4 (others by PARLEY_POSTGRES_IMAGE,
     PARLEY_RABBITMQ_IMAGE; for `test` PARLEY_TEST_POSTGRES_IMAGE, PARLEY_TEST_RABBITMQ_IMAGE)
  3. private instances on free ports, from installed packages (PostgreSQL 15, RabbitMQ 3.10, or newer), which are
     installed by apt-get when missing, if this is Debian or Ubuntu and you are root

The data of private instances lies below /var/lib/parley-dev as root, else below ~/.local/share/parley-dev.";

#[derive(Debug, PartialEq, Subcommand)]
pub(crate) enum Command {
    /// Starts everything on this machine: Postgres, RabbitMQ, migrations, a demo tenant, a sandbox in place of Meta, the server
    ///
    /// Ctrl-C stops what it started; data stays for the next run.
    Run,
    /// Checks everything: format, lints, dependencies, unit tests, integration tests
    Test(TestOptions),
    /// Kills, stops and starves everything that a message passes on its way, and counts what arrives
    ///
    /// Takes about a quarter of an hour; always on a Postgres and a RabbitMQ of its own.
    Faults(FaultOptions),
    /// Builds the release and measures it, each figure against a baseline on the same servers
    ///
    /// Takes about fifteen minutes; always on a Postgres and a RabbitMQ of its own, which write everything to disk.
    /// Nothing else should run on the machine meanwhile.
    Bench(BenchOptions),
    /// Checks which crates and libraries each crate depends on (part of `test`)
    Edges,
    /// Checks that no files import each other in a circle (part of `test`)
    Circles,
    /// Checks the alert rules of Prometheus, and that each alert fires and ends when it should, with promtool
    Alerts,
    /// Makes the container images parley-test/postgres:15 and parley-test/rabbitmq:3.10 from Debian's packages
    ///
    /// For machines that reach no registry; starts a Docker engine if there is none (Debian or Ubuntu, as root).
    Images {
        /// Only stops the engine that an earlier `images` started
        #[arg(long)]
        stop_engine: bool,
    },
    /// Stops what a killed `run`, `test`, `faults` or `bench` of this checkout left behind
    Down {
        /// Also deletes the data of `run`
        #[arg(long)]
        wipe: bool,
    },
}

#[derive(Debug, Default, PartialEq, Args)]
pub(crate) struct TestOptions {
    /// The integration tests must use containers; fails if there is no Docker engine or image
    #[arg(long)]
    pub(crate) containers: bool,
    /// Only the integration tests
    #[arg(long)]
    pub(crate) integration_only: bool,
    /// Only integration tests with one of these in their names
    #[arg(last = true, value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, PartialEq, Args)]
pub(crate) struct FaultOptions {
    /// The whole suite so many times in a row
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: u32,
    /// Only tests with one of these in their names
    #[arg(last = true, value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct BenchOptions {
    /// Only these figures
    #[arg(value_enum)]
    pub(crate) figures: Vec<Figure>,
    /// Smaller numbers, in two or three minutes
    #[arg(long)]
    pub(crate) quick: bool,
    /// Reads from 10 million messages instead of 250,000 (half an hour more, and 10 GB of disk)
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
    /// Instead: how accepting and processing grow with tenants, stored messages and workers
    #[arg(long, conflicts_with = "figures")]
    pub(crate) growth: bool,
    /// Fails if a ratio is below its bound
    #[arg(long, conflicts_with = "growth")]
    pub(crate) assert: bool,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Measures the unoptimized program of the integration tests: compiled by `test`, and good enough for `--assert`
    #[arg(long)]
    pub(crate) dev: bool,
    /// Measures this program instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) parley: Option<PathBuf>,
}

/// What the benchmark measures. The crate `bench` has the same list.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Figure {
    Start,
    Accept,
    Process,
    EndToEnd,
    Read,
    Login,
    Refusal,
    Request,
    Memory,
    Send,
    Abuse,
}

impl BenchOptions {
    /// The arguments for the crate `bench`.
    pub(crate) fn passed_on(&self) -> Vec<String> {
        let flags = [
            ("--quick", self.quick),
            ("--full", self.full),
            ("--growth", self.growth),
            ("--assert", self.assert),
            ("--dev", self.dev),
            ("--json", self.json),
        ];
        let flags = flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned());
        let names = self.figures.iter().filter_map(Figure::to_possible_value).map(|value| value.get_name().to_owned());
        flags.chain(names).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parsed(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(std::iter::once("xtask").chain(line.split_whitespace())).map(|cli| cli.command)
    }

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_and_options_are_read() {
        assert_eq!(parsed("down --wipe").unwrap(), Command::Down { wipe: true });
        let options = TestOptions { containers: true, integration_only: true, filters: vec!["crm".to_owned()] };
        assert_eq!(parsed("test --integration-only --containers -- crm").unwrap(), Command::Test(options));
        let options = FaultOptions { times: 3, filters: vec!["broker".to_owned()] };
        assert_eq!(parsed("faults --times 3 -- broker").unwrap(), Command::Faults(options));
        let options = FaultOptions { times: 1, filters: Vec::new() };
        assert_eq!(parsed("faults").unwrap(), Command::Faults(options));
    }

    #[test]
    fn bench_options_reach_the_benchmark() {
        let Command::Bench(options) = parsed("bench --quick --parley /p --json accept end-to-end").unwrap() else {
            panic!("not the benchmark");
        };
        assert_eq!(options.parley, Some(PathBuf::from("/p")));
        assert_eq!(options.passed_on(), ["--quick", "--json", "accept", "end-to-end"]);
    }

    #[test]
    fn unknown_and_contradicting_arguments_are_refused() {
        for line in [
            "fly",
            "run --fast",
            "test --fast",
            "faults --times 0",
            "bench speed",
            "bench --parley",
            "bench --growth accept",
            "bench --full --quick",
            "down --wipe now",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
