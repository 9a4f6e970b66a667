//! The `parley` binary: configuration, telemetry, the HTTP API, the command line, and the wiring of it all.
//!
//! - [`config`]: flags, environment and file, checked at start.
//! - [`telemetry`]: logs and metrics.
//! - [`http`]: the API. It turns requests into calls of use cases and their answers into JSON; no rule of the business is
//!   here. `/openapi.json` describes it, made from the handlers themselves.
//! - [`wiring`]: puts the adapters behind the ports and runs the parts of a process.
//! - [`cli`]: the subcommands.

mod background;
pub mod cli;
pub mod config;
pub mod http;
pub mod telemetry;
pub mod wiring;

pub use background::Background;
