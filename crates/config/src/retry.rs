use chrono::TimeDelta;
use clap::Args;
use inbound::RetryPolicy;

use super::errors::ConfigErrors;
use super::key::Key;

/// How failed webhook events are retried, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retries")]
#[group(skip)]
pub(super) struct RetrySettings {
    /// Attempts before a webhook event becomes a dead letter, 1 to 20
    #[arg(long, value_name = "N", default_value = "7")]
    retry_max_attempts: String,
    /// Seconds before the first retry, 1 to 3600; each further delay is four times as long
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    retry_first_delay_seconds: String,
}

impl RetrySettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<RetryPolicy> {
        let attempts = number(errors, Key("retry_max_attempts"), &self.retry_max_attempts, 20);
        let seconds = number(errors, Key("retry_first_delay_seconds"), &self.retry_first_delay_seconds, 3_600);
        let first_delay = TimeDelta::seconds(seconds?.into());
        Some(RetryPolicy { first_delay, max_attempts: attempts?, ..RetryPolicy::default() })
    }
}

fn number(errors: &mut ConfigErrors, key: Key<'_>, text: &str, most: i32) -> Option<i32> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Some(number),
        _ => {
            errors.invalid(key, text, &format!("a number from 1 to {most}"));
            None
        }
    }
}
