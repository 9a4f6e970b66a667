use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{IdentityKey, IdentityKind};

/// WhatsApp said that a person is known by other keys than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub before: Vec<IdentityKey>,
    pub after: Vec<IdentityKey>,
    /// For people.
    pub text: String,
    pub changed_at: DateTime<Utc>,
}

impl IdentityChange {
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.before.iter().chain(&self.after)
    }

    /// The same for the same change, however often and by whichever number it is told.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (side, keys) in [('<', &self.before), ('>', &self.after)] {
            let mut keys: Vec<_> = keys.iter().collect();
            keys.sort_unstable();
            for key in keys {
                let kind = if key.kind == IdentityKind::Phone { 'p' } else { 'b' };
                let _ = write!(text, "{side}{kind}:{}:{}", key.scope, key.value);
            }
        }
        text
    }
}
