//! The program `parley-sandbox`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use sandbox::{Options, Sandbox, StartError};

fn main() -> ExitCode {
    let options = Options::parse().with_secret_of_file().map_err(StartError::SecretFile);
    let outcome = options.and_then(Sandbox::start_with_signals).and_then(|sandbox| {
        // A closed standard output is no reason to end.
        let _written = writeln!(std::io::stdout(), "listening on {}", sandbox.url());
        sandbox.wait()
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _written = writeln!(std::io::stderr(), "parley-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}
