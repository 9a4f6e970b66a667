use chrono::TimeDelta;
use clap::Args;
use tokens::SessionPolicy;

use super::errors::ConfigErrors;
use super::key::Key;

/// How long users stay logged in, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sessions")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct SessionsSettings {
    /// Days without a refresh after which a session ends, 1 to 90
    #[arg(long, value_name = "DAYS", default_value = "7")]
    sessions_idle_days: String,
    /// Days after which a session always ends, 1 to 365, and at least `sessions.idle_days`
    #[arg(long, value_name = "DAYS", default_value = "30")]
    sessions_absolute_days: String,
    /// Maximum number of sessions of a user, 1 to 1000; one more ends the oldest
    #[arg(long, value_name = "N", default_value = "20")]
    sessions_per_user: String,
    /// Seconds within which a client that lost the response to a refresh gets the same tokens again, 0 (never) to 60
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    sessions_refresh_grace_seconds: String,
}

impl SessionsSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<SessionPolicy> {
        let mut number = |key: &str, text: &str, most: u16| match text.parse::<u16>() {
            Ok(number) if (1..=most).contains(&number) => Some(number),
            _ => {
                errors.invalid(Key(key), text, &format!("a number from 1 to {most}"));
                None
            }
        };
        let idle = number("sessions_idle_days", &self.sessions_idle_days, 90);
        let absolute = number("sessions_absolute_days", &self.sessions_absolute_days, 365);
        let per_user = number("sessions_per_user", &self.sessions_per_user, 1_000);
        let grace = &self.sessions_refresh_grace_seconds;
        let refresh_grace = grace.parse().ok().filter(|seconds| (0..=60).contains(seconds)).map(TimeDelta::seconds);
        if refresh_grace.is_none() {
            errors.invalid(Key("sessions_refresh_grace_seconds"), grace, "a number of seconds from 0 to 60");
        }
        let (idle, absolute, per_user) = (idle?, absolute?, per_user?);
        if absolute < idle {
            let text = &self.sessions_absolute_days;
            errors.invalid(Key("sessions_absolute_days"), text, "at least sessions.idle_days");
            return None;
        }
        Some(SessionPolicy {
            idle: TimeDelta::days(idle.into()),
            absolute: TimeDelta::days(absolute.into()),
            per_user,
            refresh_grace: refresh_grace?,
        })
    }
}
