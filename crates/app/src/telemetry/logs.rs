use std::panic::PanicHookInfo;

use kernel::SystemClock;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt, registry};

use super::json::JsonLines;
use crate::config::{LogConfig, LogFormat};

#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("the log filter is wrong: {0}")]
    Filter(#[from] ParseError),
    #[error("logging cannot start: {0}")]
    Start(#[from] TryInitError),
}

/// Starts logging, to standard error: what a command answers goes to standard output. Once in a process.
///
/// # Errors
/// [`LogsError`], when logging was started before, too.
pub fn init_logs(config: &LogConfig) -> Result<(), LogsError> {
    let layer = match config.format {
        LogFormat::Json => JsonLines::new(std::io::stderr, SystemClock::new()).boxed(),
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).boxed(),
    };
    registry().with(layer.with_filter(EnvFilter::try_new(&config.level)?)).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is a line of the log like any other, in the span where it happened.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let reason = panic.payload_as_str().unwrap_or("of unknown kind");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, reason, "panicked");
}
