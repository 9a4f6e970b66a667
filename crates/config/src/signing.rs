use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tokens::{RotationPolicy, TokenPolicy};

use super::errors::ConfigErrors;
use super::key::Key;

/// How signing keys are rotated, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signing keys")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct SigningSettings {
    /// Days for which a key signs before it is replaced, 1 to 365
    #[arg(long, value_name = "DAYS", default_value = "30")]
    signing_active_days: String,
    /// Seconds for which a key is published before it signs, 3 to 86400, and more than twice `signing.poll_seconds`; clients
    /// may cache the published keys for the difference, and for 300 seconds at most
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    signing_publish_seconds: String,
    /// Minutes for which the tokens of a replaced key are accepted, 2 to 10080, and more than `tokens.access_minutes`
    #[arg(long, value_name = "MINUTES", default_value = "61")]
    signing_retiring_minutes: String,
    /// Seconds between a process's checks for changed keys, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    signing_poll_seconds: String,
}

/// How signing keys are rotated.
#[derive(Clone, Copy, Debug)]
pub struct SigningConfig {
    pub rotation: RotationPolicy,
    /// The interval at which each process checks for changed keys.
    pub poll: Duration,
}

impl SigningSettings {
    /// A retiring key must be accepted until the last token that it signed expires, so the token policy is checked too, if valid.
    pub(super) fn check(&self, errors: &mut ConfigErrors, tokens: Option<&TokenPolicy>) -> Option<SigningConfig> {
        let mut number = |key: &str, text: &str, unit: &str, least: u32, most: u32| match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                errors.invalid(Key(key), text, &format!("a number of {unit} from {least} to {most}"));
                None
            }
        };
        let active = number("signing_active_days", &self.signing_active_days, "days", 1, 365);
        let publish = number("signing_publish_seconds", &self.signing_publish_seconds, "seconds", 3, 86_400);
        let retiring = number("signing_retiring_minutes", &self.signing_retiring_minutes, "minutes", 2, 10_080);
        let poll = number("signing_poll_seconds", &self.signing_poll_seconds, "seconds", 1, 60);
        let (active, publish, retiring, poll) = (active?, publish?, retiring?, poll?);
        let publish = TimeDelta::seconds(publish.into());
        let rotation = RotationPolicy {
            publish,
            active: TimeDelta::days(active.into()),
            retiring: TimeDelta::minutes(retiring.into()),
        };
        if publish <= TimeDelta::seconds(poll.into()) * 2 {
            errors.invalid(
                Key("signing_publish_seconds"),
                &self.signing_publish_seconds,
                "more than twice signing.poll_seconds: every process must have a key before it signs",
            );
            return None;
        }
        if tokens.is_some_and(|tokens| rotation.retiring < RotationPolicy::min_retiring(tokens)) {
            errors.invalid(
                Key("signing_retiring_minutes"),
                &self.signing_retiring_minutes,
                "more than tokens.access_minutes: a token must be accepted until it expires",
            );
            return None;
        }
        Some(SigningConfig { rotation, poll: Duration::from_secs(poll.into()) })
    }
}
