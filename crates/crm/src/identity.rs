//! Whose is it? A person on WhatsApp is known by a business-scoped user id (BSUID), by a phone number, or by both; since
//! 2026 the number may be missing, and it may come and go. Both change when the person takes another number.

mod change;
mod directory;
mod given;
mod phone;
mod resolve;

use chrono::{DateTime, Utc};
use kernel::ids::ContactId;

pub use change::IdentityChange;
pub use given::InvalidIdentity;
pub use resolve::{Known, Merge, NewContact, Resolution, resolve};

/// What a person is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// Business-scoped user id: unique per person and business portfolio; changes with the phone number.
    Bsuid,
    /// The same across the portfolios of one enrolled business: a hint for people, never a key.
    ParentBsuid,
    /// Digits of an E.164 number, as WhatsApp writes it.
    Phone,
    /// For display only: anyone may take it tomorrow.
    Username,
}

/// The key of an identity within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    pub kind: IdentityKind,
    /// Where the value is unique: the WhatsApp Business Account for a BSUID, the whole tenant (empty) for the others.
    pub scope: String,
    pub value: String,
}

/// An identity of a contact, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub key: IdentityKey,
    pub current: bool,
}

/// That a contact is, or was, known by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRecord {
    pub key: IdentityKey,
    pub contact: ContactId,
    /// Events with this key belong to this contact. Of all contacts that were ever known by a key, one at most.
    pub resolves: bool,
    /// False for one that they had before.
    pub current: bool,
    /// The earliest sign of it.
    pub since: DateTime<Utc>,
    /// When WhatsApp last said that it became theirs.
    pub affirmed_at: Option<DateTime<Utc>>,
    /// When WhatsApp last said that it ceased to be theirs.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// A person as an event shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub bsuid: Option<IdentityKey>,
    /// The one that they write from first; more only where they handed out another one of theirs.
    pub phones: Vec<IdentityKey>,
    pub parent_bsuid: Option<IdentityKey>,
    pub username: Option<IdentityKey>,
    /// The name of their profile.
    pub display_name: Option<String>,
    /// When they were seen so.
    pub seen_at: DateTime<Utc>,
}

impl Person {
    /// Somebody of whom nothing is known.
    #[must_use]
    pub const fn unknown(seen_at: DateTime<Utc>) -> Self {
        Self { bsuid: None, phones: Vec::new(), parent_bsuid: None, username: None, display_name: None, seen_at }
    }

    /// The keys that identify them, the strongest first.
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.bsuid.iter().chain(&self.phones)
    }

    /// The keys under which they may be stored: their own, and phone numbers as they may have been written before.
    pub fn keys_to_look_up(&self) -> impl Iterator<Item = IdentityKey> {
        self.keys().cloned().chain(self.phones.iter().filter_map(IdentityKey::other_spelling))
    }
}

impl IdentityKey {
    #[must_use]
    pub fn bsuid(scope: &str, value: &str) -> Self {
        Self { kind: IdentityKind::Bsuid, scope: scope.to_owned(), value: value.to_owned() }
    }

    #[must_use]
    pub fn parent_bsuid(value: &str) -> Self {
        Self { kind: IdentityKind::ParentBsuid, scope: String::new(), value: value.to_owned() }
    }

    #[must_use]
    pub fn username(value: &str) -> Self {
        Self { kind: IdentityKind::Username, scope: String::new(), value: value.to_owned() }
    }

    /// A phone number as digits: white space, `+`, hyphens and the like are left out; nothing when no digit is left.
    #[must_use]
    pub fn phone(number: &str) -> Option<Self> {
        let value: String = number.chars().filter(char::is_ascii_digit).collect();
        (!value.is_empty()).then(|| Self { kind: IdentityKind::Phone, scope: String::new(), value })
    }

    /// The same phone number as WhatsApp may write it, too.
    pub(crate) fn other_spelling(&self) -> Option<Self> {
        let value = phone::other_spelling(&self.value).filter(|_| self.kind == IdentityKind::Phone)?;
        Some(Self { value, ..self.clone() })
    }
}

impl IdentityRecord {
    /// A key that a contact is known by from now on.
    pub(crate) fn new(key: IdentityKey, contact: ContactId, since: DateTime<Utc>) -> Self {
        Self { key, contact, resolves: true, current: true, since, affirmed_at: None, superseded_at: None }
    }
}
