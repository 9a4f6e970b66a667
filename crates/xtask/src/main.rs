//! Developer commands, for a machine that has Rust and perhaps nothing else: `cargo xtask` prints what there is.

#![expect(clippy::print_stdout, reason = "a developer's command speaks on the terminal")]
#![expect(clippy::print_stderr, reason = "and says there what went wrong")]

mod alerts;
mod bench;
mod checkout;
mod circles;
mod cli;
mod database_url;
mod down;
mod edges;
mod engine;
mod error;
mod fault_servers;
mod faults;
mod images;
mod ports;
mod probe;
mod process;
mod random;
mod run;
mod sandbox;
mod services;
mod settings;
mod signals;
mod steps;
mod store;
mod test;
mod test_services;

use clap::Parser as _;
use cli::{Cli, Command};
use error::Result;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run_command(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn run_command(command: Command) -> Result {
    signals::install()?;
    match command {
        Command::Run => run::run(),
        Command::Test(options) => test::test(&options),
        Command::Faults(options) => faults::faults(&options),
        Command::Bench(options) => bench::bench(&options),
        Command::Edges => edges::edges(),
        Command::Circles => circles::circles(),
        Command::Alerts => alerts::alerts(),
        Command::Images { stop_engine: false } => images::images(),
        Command::Images { stop_engine: true } => engine::stop(),
        Command::Down { wipe } => down::down(wipe),
    }
}
