use chrono::TimeDelta;
use clap::Args;
use inbound::RetentionPolicy;
use kernel::Retention;

use super::errors::ConfigErrors;
use super::key::Key;

/// How long finished webhook events are kept, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retention")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct RetentionSettings {
    /// Days for which the payloads of finished webhook events are kept, 1 to 3650; those of dead letters are kept longer
    #[arg(long, value_name = "DAYS", default_value = "30")]
    retention_payload_days: String,
    /// Days for which finished webhook events are kept, 14 to 3650; repeated deliveries are recognized by them
    #[arg(long, value_name = "DAYS", default_value = "90")]
    retention_event_days: String,
    /// Days after which dead letters are deleted with their payloads, 14 to 3650; until then they can be replayed
    #[arg(long, value_name = "DAYS", default_value = "180")]
    retention_dead_letter_days: String,
    /// Days for which hashes of deleted contacts are kept, 200 to 3650; older events that arrive later restore a contact
    #[arg(long, value_name = "DAYS", default_value = "400")]
    retention_erased_days: String,
    /// Days after which it is forgotten which contact was counted in which billing period, 100 to 3650; invoices stay
    #[arg(long, value_name = "DAYS", default_value = "400")]
    retention_usage_days: String,
    /// Days after which sealed audit records are replaced by a summary, 31 to 3650; 0 or nothing keeps them
    #[arg(long, value_name = "DAYS", default_value = "1095")]
    retention_audit_days: String,
}

impl RetentionSettings {
    pub(super) fn check_events(&self, errors: &mut ConfigErrors) -> Option<RetentionPolicy> {
        let shortest = RetentionPolicy::MIN_EVENTS.num_days();
        let payloads = days(errors, Key("retention_payload_days"), &self.retention_payload_days, 1);
        let events = days(errors, Key("retention_event_days"), &self.retention_event_days, shortest);
        let dead_letters = days(errors, Key("retention_dead_letter_days"), &self.retention_dead_letter_days, shortest);
        Some(RetentionPolicy { payloads: payloads?, events: events?, dead_letters: dead_letters? })
    }

    pub(super) fn check_rows(&self, errors: &mut ConfigErrors) -> Option<Retention> {
        let erased = days(errors, Key("retention_erased_days"), &self.retention_erased_days, MIN_ERASED);
        let usage = days(errors, Key("retention_usage_days"), &self.retention_usage_days, MIN_USAGE);
        let audit = self.check_audit(errors);
        Some(Retention { erased_identities: erased?, usage_details: usage?, audit_records: audit? })
    }

    #[expect(clippy::option_option, reason = "None is an error, as in the other checks")]
    fn check_audit(&self, errors: &mut ConfigErrors) -> Option<Option<TimeDelta>> {
        match self.retention_audit_days.trim() {
            "" | "0" => Some(None),
            text => days(errors, Key("retention_audit_days"), text, MIN_AUDIT).map(Some),
        }
    }
}

/// Meta delivers the history of a number, which is 180 days, when it is connected.
const MIN_ERASED: i64 = 200;
/// Two billing periods of a month, and the days after which an invoice is due.
const MIN_USAGE: i64 = 100;

/// The database refuses to delete audit records of the last 30 days.
const MIN_AUDIT: i64 = 31;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Zero: forever.
    fn kept(audit_days: &str) -> Option<TimeDelta> {
        let days = || "400".to_owned();
        let settings = RetentionSettings {
            retention_payload_days: days(),
            retention_event_days: days(),
            retention_dead_letter_days: days(),
            retention_erased_days: days(),
            retention_usage_days: days(),
            retention_audit_days: audit_days.to_owned(),
        };
        settings.check_rows(&mut ConfigErrors::default()).map(|retention| retention.audit_records.unwrap_or_default())
    }

    #[test]
    fn audit_records_are_kept_for_some_days_or_forever() {
        assert_eq!(kept("1095"), Some(TimeDelta::days(1_095)));
        assert_eq!(kept("31"), Some(TimeDelta::days(31)));
        for forever in ["0", ""] {
            assert_eq!(kept(forever), Some(TimeDelta::zero()), "{forever:?}");
        }
        for refused in ["30", "3651", "-1", "x"] {
            assert_eq!(kept(refused), None, "{refused}");
        }
    }
}
