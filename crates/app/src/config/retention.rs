use chrono::TimeDelta;
use clap::Args;
use inbound::RetentionPolicy;

use super::key::Key;
use super::mistakes::Mistakes;

/// How long what is done is kept, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retention")]
#[group(skip)]
pub(super) struct RetentionSettings {
    /// How many days the bytes of finished webhook events are kept, 1 to 3650; those of dead letters stay
    #[arg(long, value_name = "DAYS", default_value = "30")]
    retention_payload_days: String,
    /// How many days finished webhook events are kept, 14 to 3650: a delivery that Meta repeats is known by them
    #[arg(long, value_name = "DAYS", default_value = "90")]
    retention_event_days: String,
}

impl RetentionSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<RetentionPolicy> {
        let shortest = RetentionPolicy::SHORTEST.num_days();
        let payloads = days(mistakes, Key("retention_payload_days"), &self.retention_payload_days, 1);
        let events = days(mistakes, Key("retention_event_days"), &self.retention_event_days, shortest);
        Some(RetentionPolicy { payloads: payloads?, events: events? })
    }
}

fn days(mistakes: &mut Mistakes, key: Key<'_>, text: &str, least: i64) -> Option<TimeDelta> {
    const MOST: i64 = 3_650;
    match text.parse() {
        Ok(days) if (least..=MOST).contains(&days) => Some(TimeDelta::days(days)),
        _ => {
            mistakes.wrong(key, text, &format!("a number of days from {least} to {MOST}"));
            None
        }
    }
}
