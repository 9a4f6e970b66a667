use std::io::IsTerminal as _;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::errors::ConfigErrors;
use super::key::Key;
use super::warnings::ConfigWarnings;

/// What is logged and how, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
#[group(skip)]
pub(super) struct LogSettings {
    /// Log level: `error`, `warn`, `info`, `debug` or `trace`, also per module, such as `info,pipeline=debug`; libraries log
    /// at `info` and above only
    #[arg(long, value_name = "FILTER", default_value = "info,actix_server=warn")]
    log_level: String,
    /// Log format: `json` (one object a line), `text`, or `auto` (text on a terminal, else json)
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    log_format: String,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// In the syntax of [`EnvFilter`].
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

impl LogSettings {
    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        if ["debug", "trace"].iter().any(|level| self.log_level.contains(level)) {
            warnings.add(Key("log_level"), "is for debugging only: it logs personal data");
        }
    }

    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<LogConfig> {
        let level = &self.log_level;
        let filter = EnvFilter::try_new(level).ok().filter(|_| !level.trim().is_empty());
        if filter.is_none() {
            errors.invalid(Key("log_level"), level, "a level, or a filter such as info,pipeline=debug");
        }
        let format = match self.log_format.as_str() {
            "auto" => Some(if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json }),
            "json" => Some(LogFormat::Json),
            "text" => Some(LogFormat::Text),
            other => {
                errors.invalid(Key("log_format"), other, "`auto`, `json` or `text`");
                None
            }
        };
        filter.and(Some(LogConfig { level: level.clone(), format: format? }))
    }
}
