use chrono::TimeDelta;
use clap::Args;
use inbound::RetentionPolicy;

use super::errors::ConfigErrors;
use super::key::Key;

/// How long finished webhook events are kept, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retention")]
#[group(skip)]
pub(super) struct RetentionSettings {
    /// Days for which the payloads of finished webhook events are kept, 1 to 3650; those of dead letters are kept longer
    #[arg(long, value_name = "DAYS", default_value = "30")]
    retention_payload_days: String,
    /// Days for which finished webhook events are kept, 14 to 3650; repeated deliveries are recognized by them
    #[arg(long, value_name = "DAYS", default_value = "90")]
    retention_event_days: String,
}

impl RetentionSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<RetentionPolicy> {
        let shortest = RetentionPolicy::MIN_EVENTS.num_days();
        let payloads = days(errors, Key("retention_payload_days"), &self.retention_payload_days, 1);
        let events = days(errors, Key("retention_event_days"), &self.retention_event_days, shortest);
        Some(RetentionPolicy { payloads: payloads?, events: events? })
    }
}

fn days(errors: &mut ConfigErrors, key: Key<'_>, text: &str, least: i64) -> Option<TimeDelta> {
    const MOST: i64 = 3_650;
    match text.parse() {
        Ok(days) if (least..=MOST).contains(&days) => Some(TimeDelta::days(days)),
        _ => {
            errors.invalid(key, text, &format!("a number of days from {least} to {MOST}"));
            None
        }
    }
}
