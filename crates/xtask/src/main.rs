//! Developer commands, for a machine that has Rust and perhaps nothing else: `cargo xtask` prints what there is.

#![expect(clippy::print_stdout, reason = "a developer's command speaks on the terminal")]
#![expect(clippy::print_stderr, reason = "and says there what went wrong")]

mod alerts;
mod bench;
mod checkout;
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
mod services;
mod settings;
mod signals;
mod store;
mod test;
mod test_services;

use cli::Invocation;
use error::Result;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match carry_out(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: &[String]) -> Result {
    let invocation = cli::parse(arguments)?;
    signals::install()?;
    match invocation {
        Invocation::Help => {
            println!("{}", cli::HELP);
            Ok(())
        }
        Invocation::Run => run::run(),
        Invocation::Test(options) => test::test(&options),
        Invocation::Faults(options) => faults::faults(&options),
        Invocation::Bench(options) => bench::bench(&options),
        Invocation::Edges => edges::edges(),
        Invocation::Alerts => alerts::alerts(),
        Invocation::Images { stop_engine: false } => images::images(),
        Invocation::Images { stop_engine: true } => engine::stop(),
        Invocation::Down { wipe } => down::down(wipe),
    }
}
