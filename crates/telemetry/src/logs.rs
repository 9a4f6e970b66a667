use config::{LogConfig, LogFormat};
use kernel::SystemClock;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, FilterFn, LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt, registry};

use super::invalid_requests::InvalidRequests;
use super::json::JsonLines;
use super::panics;

#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("the log filter is invalid: {0}")]
    Filter(#[from] ParseError),
    #[error("logging cannot start: {0}")]
    Start(#[from] TryInitError),
}

/// Starts logging to standard error; a command's result goes to standard output. Once in a process.
///
/// # Errors
/// [`LogsError`], also when logging was started before.
pub fn init_logs(config: &LogConfig) -> Result<(), LogsError> {
    let layer = match config.format {
        LogFormat::Json => JsonLines::new(std::io::stderr, SystemClock::new()).boxed(),
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).boxed(),
    };
    let level = EnvFilter::try_new(&config.level)?;
    let layer = layer.and_then(InvalidRequests::shown_at(level.max_level_hint()));
    registry().with(layer.with_filter(level.and(libraries_at_info()))).try_init()?;
    std::panic::set_hook(Box::new(panics::log));
    Ok(())
}

/// The hint says that this filter disables no level as a whole. Without it, the other filter's hint would be ignored and
/// libraries would format lines that are then dropped.
fn libraries_at_info() -> FilterFn {
    let shown: fn(&Metadata<'_>) -> bool = |metadata| *metadata.level() <= Level::INFO || is_ours(metadata.target());
    FilterFn::new(shown).with_max_level_hint(LevelFilter::TRACE)
}

/// Libraries log values of statements, frames with passwords and whole requests at `debug`. That is never logged, whatever
/// the filter says.
fn is_ours(target: &str) -> bool {
    const OURS: [&str; 15] = [
        "app", "audit", "billing", "channels", "crm", "flows", "iam", "inbound", "kernel", "pipeline", "postgres",
        "rabbitmq", "rbac", "tokens", "whatsapp",
    ];
    OURS.contains(&target.split("::").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_is_told_from_own_crate_by_target() {
        assert!(is_ours("pipeline::worker") && is_ours("app"));
        assert!(!is_ours("tokio_postgres::prepare") && !is_ours("postgres_protocol") && !is_ours("lapin::frames"));
    }
}
