use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{IdentityKey, IdentityKind};

/// A report by WhatsApp that a person's keys have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub before: Vec<IdentityKey>,
    pub after: Vec<IdentityKey>,
    /// Shown in the contact's history.
    pub text: String,
    pub changed_at: DateTime<Utc>,
}

impl IdentityChange {
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.before.iter().chain(&self.after)
    }

    /// Identifies the change: equal for each delivery of it, at any of the tenant's numbers.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (side, keys) in [('<', &self.before), ('>', &self.after)] {
            let mut keys: Vec<_> = keys.iter().collect();
            // The fingerprint is stored: neither its parts nor their order may change.
            let kind = |key: &IdentityKey| if key.kind == IdentityKind::Phone { 'p' } else { 'b' };
            keys.sort_unstable_by_key(|key| (kind(key), *key));
            for key in keys {
                let _ = write!(text, "{side}{}:{}:{}", kind(key), key.scope, key.value);
            }
        }
        text
    }
}
