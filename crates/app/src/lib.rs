//! The `parley` program: puts the adapters behind the ports and runs the tasks of a process.
//!
//! It makes no decisions. This is the only crate that sees `postgres`, `rabbitmq`, `pipeline`, `http`, `config`, `telemetry`
//! and `cli` together; each of them is handed what it needs:
//!
//! - [`main`] parses the command line (`cli`) and runs the subcommand on the adapters of `adapters.rs`.
//! - [`Instance::open_on`] wires one process: the connection pools, the broker, the signing keys, the state of the HTTP
//!   handlers, and the loops of `pipeline`, from a [`config::ServeConfig`].
//! - [`Instance::run`] starts the HTTP server and the loops of the process's roles; [`Running::stop`] ends them.
//!
//! # Start-up of `parley serve`
//!
//! 1. Bind both listeners, so that a taken port fails at once; serve `/metrics`.
//! 2. Wait until the database responds and is migrated. Meanwhile `/readyz` says what is missing, and everything else is 503.
//! 3. Check the database roles, open the signing keys, start the exporter of traces: [`Instance::open_on`].
//! 4. Start the loops of the roles and the server: [`Instance::run`]. The broker may be unavailable: events wait in the database.
//! 5. On SIGTERM or SIGINT: stop accepting requests, finish running requests and background work, stop the loops, export the
//!    last spans. This takes at most 25 s.
//!
//! A loop that panics is restarted after a second.

mod adapters;
mod connect;
mod instance;
mod job_bells;
mod metrics;
mod readiness;
mod running;
mod send_bells;
mod serve;
mod startup;
mod tokio_timer;

use std::process::ExitCode;

pub use connect::{OpenError, broker, postgres};
pub use instance::Instance;
pub use metrics::init_metrics;
pub use running::{Listeners, Running};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let _failpoints = pipeline::failpoint::arm();
    cli::main(&adapters::Production)
}
