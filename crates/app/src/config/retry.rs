use chrono::TimeDelta;
use clap::Args;
use inbound::RetryPolicy;

use super::key::Key;
use super::mistakes::Mistakes;

/// How often and when a failed event is tried again, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retries")]
#[group(skip)]
pub(super) struct RetrySettings {
    /// How often a webhook event is tried before it is a dead letter, 1 to 20
    #[arg(long, value_name = "N", default_value = "7")]
    retry_max_attempts: String,
    /// How many seconds after its first failure it is tried again, 1 to 3600; each further time takes four times as long
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    retry_first_delay_seconds: String,
}

impl RetrySettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<RetryPolicy> {
        let attempts = number(mistakes, Key("retry_max_attempts"), &self.retry_max_attempts, 20);
        let seconds = number(mistakes, Key("retry_first_delay_seconds"), &self.retry_first_delay_seconds, 3_600);
        let first_delay = TimeDelta::seconds(seconds?.into());
        Some(RetryPolicy { first_delay, max_attempts: attempts?, ..RetryPolicy::default() })
    }
}

fn number(mistakes: &mut Mistakes, key: Key<'_>, text: &str, most: i32) -> Option<i32> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Some(number),
        _ => {
            mistakes.wrong(key, text, &format!("a number from 1 to {most}"));
            None
        }
    }
}
