use kernel::SystemClock;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, FilterFn, LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt, registry};

use super::json::JsonLines;
use super::panics;
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
    let filter = EnvFilter::try_new(&config.level)?.and(libraries_at_info());
    registry().with(layer.with_filter(filter)).try_init()?;
    std::panic::set_hook(Box::new(panics::log));
    Ok(())
}

/// With the hint that it hides no level altogether: without one, the other filter's would not be seen, and libraries would
/// work out lines that nobody wants.
fn libraries_at_info() -> FilterFn {
    let shown: fn(&Metadata<'_>) -> bool = |metadata| *metadata.level() <= Level::INFO || is_ours(metadata.target());
    FilterFn::new(shown).with_max_level_hint(LevelFilter::TRACE)
}

/// Libraries write down at `debug` what passes through them: the values of statements, frames with passwords, whole
/// requests. That is never logged, whatever the filter says.
fn is_ours(target: &str) -> bool {
    const OURS: [&str; 13] = [
        "app", "audit", "billing", "crm", "flows", "iam", "inbound", "kernel", "pipeline", "postgres", "rabbitmq",
        "rbac", "tokens",
    ];
    OURS.contains(&target.split("::").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_their_names() {
        assert!(is_ours("pipeline::worker") && is_ours("app"));
        assert!(!is_ours("tokio_postgres::prepare") && !is_ours("postgres_protocol") && !is_ours("lapin::frames"));
    }
}
