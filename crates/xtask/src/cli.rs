//! The command line.

use crate::error::{Result, fail};

pub(crate) const HELP: &str = "\
Developer commands of Parley

Usage: cargo xtask <command>

Commands:
  run     Starts everything on this machine: Postgres, RabbitMQ, migrations, a demo tenant, the server.
          Ctrl-C stops what it started; data stays for the next run.
  test    Checks everything: format, lints, dependency edges, unit tests, integration tests.
            --containers        the integration tests must use containers; fails if there is no Docker engine or image
            --integration-only  only the integration tests
            -- <FILTER>...      passed to the integration tests, e.g. `cargo xtask test --integration-only -- webhook`
  faults  Kills, stops and starves everything that a message passes on its way, and counts what arrives. Takes about eight
          minutes; always on a Postgres and a RabbitMQ of its own.
            --times <N>         the whole suite N times in a row
            -- <FILTER>...      only the tests with one of these in their names, e.g. `cargo xtask faults -- broker`
  bench   Builds the release and measures it: accepting, processing, end to end, reading, logins, memory and start, each
          against a baseline on the same servers. Takes about fifteen minutes; always on a Postgres and a RabbitMQ of its own,
          which write everything to disk. Nothing else should run on the machine meanwhile.
            <FIGURE>...         only these: start, accept, process, end-to-end, read, login, memory
            --quick             smaller numbers, in two or three minutes
            --full              reads from 10 million messages instead of 250,000 (half an hour more, and 10 GB of disk)
            --growth            instead: how accepting and processing grow with tenants, stored messages and workers
            --json              one JSON object on standard output, everything else on standard error
            --parley <PATH>     measures this program instead of building one
  edges   Checks which crate depends on which (part of `test`).
  alerts  Checks the alert rules of Prometheus, and that each fires and ends when it should, with promtool.
  images  Makes the container images parley-test/postgres:15 and parley-test/rabbitmq:3.10 from Debian's packages, for
          machines that reach no registry, and starts a Docker engine if there is none (Debian or Ubuntu, as root).
            --stop-engine       only stops the engine that an earlier `images` started
  down    Stops what a killed `run`, `test`, `faults` or `bench` of this checkout left behind.
            --wipe              also deletes the data of `run`

Postgres and RabbitMQ come, each by itself, from the first of these that there is:
  1. the environment:    DATABASE_URL (a superuser's) and AMQP_URL for `run`;
                         PARLEY_TEST_DATABASE_URL (a superuser's) and PARLEY_TEST_AMQP_URL for `test`
  2. a Docker engine that has or can pull the images postgres:17 and rabbitmq:4 (others by PARLEY_POSTGRES_IMAGE,
     PARLEY_RABBITMQ_IMAGE; for `test` PARLEY_TEST_POSTGRES_IMAGE, PARLEY_TEST_RABBITMQ_IMAGE)
  3. private instances on free ports, from installed packages (PostgreSQL 15, RabbitMQ 3.10, or newer), which are
     installed by apt-get when missing, if this is Debian or Ubuntu and you are root

The data of private instances lies below /var/lib/parley-dev as root, else below ~/.local/share/parley-dev.";

#[derive(Debug, PartialEq)]
pub(crate) enum Invocation {
    Help,
    Run,
    Test(TestOptions),
    Faults(FaultOptions),
    Bench(BenchOptions),
    Edges,
    Alerts,
    Images { stop_engine: bool },
    Down { wipe: bool },
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct TestOptions {
    pub(crate) containers: bool,
    pub(crate) integration_only: bool,
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct FaultOptions {
    pub(crate) times: u32,
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct BenchOptions {
    /// The program to measure, if it is not to be built.
    pub(crate) parley: Option<String>,
    /// What the crate `bench` is told.
    pub(crate) passed_on: Vec<String>,
}

impl Default for FaultOptions {
    fn default() -> Self {
        Self { times: 1, filters: Vec::new() }
    }
}

pub(crate) fn parse(arguments: &[String]) -> Result<Invocation> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h", ..] | [_, "--help" | "-h"] => Ok(Invocation::Help),
        ["run"] => Ok(Invocation::Run),
        ["test", options @ ..] => test_options(options).map(Invocation::Test),
        ["faults", options @ ..] => fault_options(options).map(Invocation::Faults),
        ["bench", options @ ..] => bench_options(options).map(Invocation::Bench),
        ["edges"] => Ok(Invocation::Edges),
        ["alerts"] => Ok(Invocation::Alerts),
        ["images"] => Ok(Invocation::Images { stop_engine: false }),
        ["images", "--stop-engine"] => Ok(Invocation::Images { stop_engine: true }),
        ["down"] => Ok(Invocation::Down { wipe: false }),
        ["down", "--wipe"] => Ok(Invocation::Down { wipe: true }),
        ["run" | "edges" | "alerts" | "images" | "down", unknown, ..] => {
            fail(format!("unknown argument `{unknown}`\n\n{HELP}"))
        }
        [unknown, ..] => fail(format!("unknown command `{unknown}`\n\n{HELP}")),
    }
}

fn test_options(words: &[&str]) -> Result<TestOptions> {
    let mut options = TestOptions::default();
    for (index, word) in words.iter().enumerate() {
        match *word {
            "--containers" => options.containers = true,
            "--integration-only" => options.integration_only = true,
            "--" => {
                options.filters = words[index + 1..].iter().map(|word| (*word).to_owned()).collect();
                break;
            }
            unknown => return fail(format!("unknown argument `{unknown}`\n\n{HELP}")),
        }
    }
    Ok(options)
}

fn fault_options(words: &[&str]) -> Result<FaultOptions> {
    match words {
        [] => Ok(FaultOptions::default()),
        ["--", filters @ ..] => Ok(FaultOptions {
            filters: filters.iter().map(|word| (*word).to_owned()).collect(),
            ..FaultOptions::default()
        }),
        ["--times", times, rest @ ..] => match times.parse() {
            Ok(times) if times > 0 => Ok(FaultOptions { times, ..fault_options(rest)? }),
            _ => fail(format!("unknown number of times `{times}`\n\n{HELP}")),
        },
        [unknown, ..] => fail(format!("unknown argument `{unknown}`\n\n{HELP}")),
    }
}

/// Checked here as well as there, because the build before it takes minutes.
fn bench_options(words: &[&str]) -> Result<BenchOptions> {
    const FLAGS: [&str; 4] = ["--quick", "--full", "--growth", "--json"];
    const FIGURES: [&str; 7] = ["start", "accept", "process", "end-to-end", "read", "login", "memory"];
    let mut options = BenchOptions::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (*word, words.as_slice()) {
            ("--parley", [path, ..]) => {
                options.parley = Some((*path).to_owned());
                words.next();
            }
            (word, _) if FLAGS.contains(&word) || FIGURES.contains(&word) => options.passed_on.push(word.to_owned()),
            (unknown, _) => return fail(format!("unknown argument `{unknown}`\n\n{HELP}")),
        }
    }
    let has = |flag: &str| options.passed_on.iter().any(|word| word == flag);
    if has("--full") && has("--quick") {
        return fail("--full and --quick: choose one");
    }
    if has("--growth") && options.passed_on.iter().any(|word| FIGURES.contains(&word.as_str())) {
        return fail("--growth measures figures of its own: leave the others out");
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_and_options() {
        assert_eq!(parsed("").unwrap(), Invocation::Help);
        assert_eq!(parsed("run --help").unwrap(), Invocation::Help);
        assert_eq!(parsed("down --wipe").unwrap(), Invocation::Down { wipe: true });
        let options = TestOptions { containers: true, integration_only: true, filters: vec!["crm".to_owned()] };
        assert_eq!(parsed("test --integration-only --containers -- crm").unwrap(), Invocation::Test(options));
        let options = FaultOptions { times: 3, filters: vec!["broker".to_owned()] };
        assert_eq!(parsed("faults --times 3 -- broker").unwrap(), Invocation::Faults(options));
        assert_eq!(parsed("alerts").unwrap(), Invocation::Alerts);
        assert_eq!(parsed("faults").unwrap(), Invocation::Faults(FaultOptions::default()));
        let passed_on = ["--quick", "--json", "accept"].map(str::to_owned).to_vec();
        let options = BenchOptions { parley: Some("/p".to_owned()), passed_on };
        assert_eq!(parsed("bench --quick --parley /p --json accept").unwrap(), Invocation::Bench(options));
        assert!(parsed("bench --growth accept").is_err());
        assert!(parsed("bench --full --quick").is_err());
    }

    #[test]
    fn what_is_unknown_is_named() {
        for line in [
            "fly",
            "run --fast",
            "test --fast",
            "faults --fast",
            "faults --times 0",
            "bench --fast",
            "bench speed",
            "bench --parley",
            "down --wipe now",
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.starts_with("unknown"), "{error}");
        }
    }
}
