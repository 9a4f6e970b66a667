//! What to measure, on which servers.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use url::Url;

/// Measures Parley against baselines on the same servers; started by `cargo xtask bench`, which provides the servers
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(name = "bench")]
pub(crate) struct Options {
    /// Only these figures [default: all]
    #[arg(value_enum)]
    pub(crate) figures: Vec<FigureName>,
    /// Smaller numbers, for a couple of minutes
    #[arg(long)]
    pub(crate) quick: bool,
    /// Read from fifty tenants with 200,000 messages each instead of one among small ones
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
    /// Instead: accepting and processing with more tenants, more stored messages and more workers
    #[arg(long, conflicts_with = "figures")]
    pub(crate) growth: bool,
    /// Fail if a ratio is beyond its bound
    #[arg(long, conflicts_with = "growth")]
    pub(crate) assert: bool,
    /// The program is not optimized: other bounds
    #[arg(long)]
    pub(crate) dev: bool,
    /// One JSON object on standard output; everything else goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// The program to measure
    #[arg(long)]
    pub(crate) parley: PathBuf,
    /// For logs
    #[arg(long)]
    pub(crate) directory: PathBuf,
    /// Postgres, as a superuser; the database `parley` there is made, and must not exist
    #[arg(long, env = "PARLEY_BENCH_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Url,
    /// RabbitMQ
    #[arg(long, env = "PARLEY_BENCH_AMQP_URL", hide_env_values = true)]
    pub(crate) amqp_url: Url,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FigureName {
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

impl Options {
    pub(crate) fn wants(&self, figure: FigureName) -> bool {
        self.figures.is_empty() || self.figures.contains(&figure)
    }
}
