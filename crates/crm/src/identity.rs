//! Resolves the identities in WhatsApp events to contacts. An event identifies a person by a business-scoped user id
//! (BSUID), by a phone number, or by both. Since 2026 the number may be missing, also in some events of one person only.
//! Both change when the person changes their number.

mod change;
mod directory;
mod merge;
mod phone;
mod resolve;
mod user_input;

use chrono::{DateTime, Utc};
use kernel::ids::ContactId;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub use change::IdentityChange;
pub use merge::Merge;
pub(crate) use phone::SearchedNumber;
pub use phone::{NumberInput, NumberWithoutCountry, PhoneCountry, written_number};
pub use resolve::{NewContact, Resolution, StoredIdentities, resolve};
pub use user_input::{GivenIdentity, InvalidIdentityInput};

/// The kinds of identifiers that WhatsApp gives for a person.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum IdentityKind {
    /// Digits of an E.164 number, as WhatsApp writes it.
    Phone,
    /// Business-scoped user id: unique per person and business portfolio; changes with the phone number.
    Bsuid,
    /// The same across the portfolios of one enrolled business: shown to users, never used to find a contact.
    ParentBsuid,
    /// For display only: another person may take the name later.
    Username,
}

/// Identifies an identity within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    pub kind: IdentityKind,
    /// Where the value is unique: the id of the WhatsApp Business Account for a BSUID; empty (the tenant) for the others.
    pub scope: String,
    pub value: String,
}

/// An identity of a contact, as shown to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub key: IdentityKey,
    pub current: bool,
}

/// States that a key belongs, or belonged, to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRecord {
    pub key: IdentityKey,
    pub contact: ContactId,
    /// Events with this key belong to this contact. True for at most one contact of each key.
    pub resolves: bool,
    /// False if the key was replaced or has passed to another contact.
    pub current: bool,
    /// The earliest time at which the person was seen with the key.
    pub since: DateTime<Utc>,
    /// When WhatsApp last reported that the key became the person's.
    pub affirmed_at: Option<DateTime<Utc>>,
    /// When WhatsApp last reported that the key was replaced by another.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// A person as described by one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub bsuid: Option<IdentityKey>,
    /// The number that they write from comes first; others are numbers of their own that they shared.
    pub phones: Vec<IdentityKey>,
    pub parent_bsuid: Option<IdentityKey>,
    pub username: Option<IdentityKey>,
    /// The name of their profile.
    pub display_name: Option<String>,
    /// The time of the event.
    pub seen_at: DateTime<Utc>,
}

impl Person {
    /// A person without any identity.
    #[must_use]
    pub const fn unknown(seen_at: DateTime<Utc>) -> Self {
        Self { bsuid: None, phones: Vec::new(), parent_bsuid: None, username: None, display_name: None, seen_at }
    }

    /// The person as two events about one message describe them. What only the other event says is added, unless it names another
    /// BSUID: then the events disagree, and this one counts.
    #[must_use]
    pub(crate) fn with_told_by(self, other: Self) -> Self {
        if self.bsuid.is_some() && other.bsuid.is_some() && self.bsuid != other.bsuid {
            return self;
        }
        let more = other.phones.into_iter().filter(|phone| !self.phones.contains(phone)).collect::<Vec<_>>();
        Self {
            bsuid: self.bsuid.or(other.bsuid),
            phones: self.phones.into_iter().chain(more).collect(),
            parent_bsuid: self.parent_bsuid.or(other.parent_bsuid),
            username: self.username.or(other.username),
            display_name: self.display_name.or(other.display_name),
            seen_at: self.seen_at,
        }
    }

    /// The person, known to be a contact with these keys: the sender of a message is the same in each telling of it. Adds the kind of
    /// key that the event lacks, unless the contact has another BSUID.
    #[must_use]
    pub(crate) fn known_as(self, keys: &[IdentityKey]) -> Self {
        let of_kind = |kind: IdentityKind| keys.iter().filter(move |key| key.kind == kind);
        let is_another = |bsuid: &IdentityKey| {
            let mut in_scope = of_kind(IdentityKind::Bsuid).filter(|key| key.scope == bsuid.scope).peekable();
            in_scope.peek().is_some() && !in_scope.any(|key| key == bsuid)
        };
        if self.bsuid.as_ref().is_some_and(is_another) {
            return self;
        }
        let phones =
            if self.phones.is_empty() { of_kind(IdentityKind::Phone).take(1).cloned().collect() } else { self.phones };
        Self { bsuid: self.bsuid.or_else(|| of_kind(IdentityKind::Bsuid).next().cloned()), phones, ..self }
    }

    /// The keys that identify the person: the BSUID, then the numbers.
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.bsuid.iter().chain(&self.phones)
    }

    /// The keys under which the person may be stored: [`Self::keys`], and the numbers in their other spelling.
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

    /// A phone number reduced to its digits; `None` if there is none.
    #[must_use]
    pub fn phone(number: &str) -> Option<Self> {
        let value: String = number.chars().filter(char::is_ascii_digit).collect();
        (!value.is_empty()).then(|| Self { kind: IdentityKind::Phone, scope: String::new(), value })
    }

    /// The value, and a phone number in its other spelling, too: as events may name the person.
    pub fn values_in_events(&self) -> impl Iterator<Item = String> + use<> {
        std::iter::once(self.value.clone()).chain(self.other_spelling().map(|other| other.value))
    }

    /// The same phone number in the other spelling that WhatsApp uses in some countries.
    pub(crate) fn other_spelling(&self) -> Option<Self> {
        let value = phone::other_spelling(&self.value).filter(|_| self.kind == IdentityKind::Phone)?;
        Some(Self { value, ..self.clone() })
    }
}

impl IdentityRecord {
    /// A key that is new for a contact, and current.
    pub(crate) fn new(key: IdentityKey, contact: ContactId, since: DateTime<Utc>) -> Self {
        Self { key, contact, resolves: true, current: true, since, affirmed_at: None, superseded_at: None }
    }
}
