//! The `parley` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    app::cli::main()
}
