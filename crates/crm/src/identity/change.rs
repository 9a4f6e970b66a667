use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use kernel::Arrival;

use super::{IdentityKey, IdentityKind};

/// A report by WhatsApp that a person's keys have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub before: Vec<IdentityKey>,
    pub after: Vec<IdentityKey>,
    /// Shown in the contact's history.
    pub text: String,
    pub changed_at: DateTime<Utc>,
    pub arrival: Arrival,
}

impl IdentityChange {
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.before.iter().chain(&self.after)
    }

    /// Identifies the change by its keys and its second: equal for each delivery of it, at any of the tenant's numbers. A person who
    /// changes to a key, back, and to it again has made three changes.
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
        let _ = write!(text, "@{}", self.changed_at.timestamp());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::at;

    #[test]
    fn fingerprint_is_of_the_keys_and_the_second() {
        let change = IdentityChange {
            before: vec![IdentityKey::phone("15550100").unwrap(), IdentityKey::bsuid("900", "US.1")],
            after: vec![IdentityKey::bsuid("900", "US.2")],
            text: "New number".to_owned(),
            changed_at: at(0),
            arrival: Arrival::ZERO,
        };
        // Rows of earlier releases have this form, too.
        assert_eq!(change.fingerprint(), "<b:900:US.1<p::15550100>b:900:US.2@1800000000");
        let mut reported_again = IdentityChange { text: "Number changed".to_owned(), ..change.clone() };
        reported_again.before.reverse();
        assert_eq!(reported_again.fingerprint(), change.fingerprint());
        let back = IdentityChange { before: change.after.clone(), after: change.before.clone(), ..change.clone() };
        let later = IdentityChange { changed_at: at(1), ..change.clone() };
        for other in [back, later] {
            assert_ne!(other.fingerprint(), change.fingerprint());
        }
    }
}
