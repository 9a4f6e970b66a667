use std::io::IsTerminal as _;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::key::Key;
use super::mistakes::Mistakes;
use super::weaknesses::Weaknesses;

/// What is logged and how, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
#[group(skip)]
pub(super) struct LogSettings {
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, also per module, such as `info,app=debug`; of libraries,
    /// nothing below `info`
    #[arg(long, value_name = "FILTER", default_value = "info,actix_server=warn")]
    log_level: String,
    /// How: `json` (an object a line), `text` (for people), `auto` (text on a terminal, else json)
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
    pub(crate) fn weaknesses(&self, weaknesses: &mut Weaknesses) {
        if ["debug", "trace"].iter().any(|level| self.log_level.contains(level)) {
            weaknesses.add(Key("log_level"), "is for finding a fault: it tells more of people than a log should keep");
        }
    }

    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<LogConfig> {
        let level = &self.log_level;
        let filter = EnvFilter::try_new(level).ok().filter(|_| !level.trim().is_empty());
        if filter.is_none() {
            mistakes.wrong(Key("log_level"), level, "a level, or a filter such as info,app=debug");
        }
        let format = match self.log_format.as_str() {
            "auto" => Some(if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json }),
            "json" => Some(LogFormat::Json),
            "text" => Some(LogFormat::Text),
            other => {
                mistakes.wrong(Key("log_format"), other, "`auto`, `json` or `text`");
                None
            }
        };
        filter.and(Some(LogConfig { level: level.clone(), format: format? }))
    }
}
