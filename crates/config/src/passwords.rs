use clap::Args;
use iam::HashParameters;

use super::errors::ConfigErrors;
use super::key::Key;
use super::warnings::ConfigWarnings;

/// The cost of hashing a password, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Passwords")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct PasswordsSettings {
    /// Memory of one hash (argon2id) in KiB, 8192 to 1048576; as many run at once as there are cores. After any of these
    /// three settings changed, a user's password is hashed again at the next login
    #[arg(long, value_name = "KIB", default_value = "19456")]
    passwords_memory_kib: String,
    /// Passes over the memory, 1 to 16
    #[arg(long, value_name = "N", default_value = "2")]
    passwords_passes: String,
    /// Lanes, 1 to 16
    #[arg(long, value_name = "N", default_value = "1")]
    passwords_lanes: String,
}

/// Memory in KiB times passes, of the cheapest parameters that OWASP's password storage cheat sheet lists for argon2id.
const MIN_WORK: u64 = 9_216 * 4;

impl PasswordsSettings {
    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        let work = number(&self.passwords_memory_kib) * number(&self.passwords_passes);
        if work > 0 && work < MIN_WORK {
            warnings.add(Key("passwords_memory_kib"), "and passwords.passes are too low: use at least 19456 and 2");
        }
    }

    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<HashParameters> {
        let mut number = |key: &str, text: &str, least: u32, most: u32| match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                errors.invalid(Key(key), text, &format!("a number from {least} to {most}"));
                None
            }
        };
        let memory_kib = number("passwords_memory_kib", &self.passwords_memory_kib, 8_192, 1_048_576);
        let passes = number("passwords_passes", &self.passwords_passes, 1, 16);
        let lanes = number("passwords_lanes", &self.passwords_lanes, 1, 16);
        Some(HashParameters { memory_kib: memory_kib?, passes: passes?, lanes: lanes? })
    }
}
