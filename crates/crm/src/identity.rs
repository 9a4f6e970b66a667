//! Whose message is it? A person on WhatsApp is known by a business-scoped user id (BSUID), by a phone number, or by both;
//! since 2026 the number may be missing, and it may come and go.

mod phone;
mod resolve;

use kernel::ids::ContactId;

pub use resolve::{Attachment, Resolution, resolve};

/// What a person is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// Business-scoped user id: unique per person and business portfolio; changes with the phone number.
    Bsuid,
    /// The same across the portfolios of one enrolled business.
    ParentBsuid,
    /// Digits of an E.164 number, as WhatsApp writes it.
    Phone,
    /// For display only: anyone may take it tomorrow.
    Username,
}

/// The key of an identity within a tenant. Two people never share one; one person may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    pub kind: IdentityKind,
    /// Where the value is unique: the WhatsApp Business Account for a BSUID, the whole tenant (empty) for a phone.
    pub scope: String,
    pub value: String,
}

/// An identity of a contact. One that is no longer current still resolves, for events that come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub key: IdentityKey,
    pub current: bool,
}

/// An identity that is already stored, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIdentity {
    pub key: IdentityKey,
    pub contact: ContactId,
}

/// A person as a message shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub bsuid: Option<IdentityKey>,
    pub phone: Option<IdentityKey>,
    /// The name of their profile.
    pub display_name: Option<String>,
}

impl Person {
    /// The keys that identify them, the strongest first.
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.bsuid.iter().chain(&self.phone)
    }

    /// The keys under which they may be stored: their own, and the phone number as it may have been written before.
    pub fn keys_to_look_up(&self) -> impl Iterator<Item = IdentityKey> {
        self.keys().cloned().chain(self.phone.as_ref().and_then(IdentityKey::other_spelling))
    }
}

impl IdentityKey {
    #[must_use]
    pub fn bsuid(scope: &str, value: &str) -> Self {
        Self { kind: IdentityKind::Bsuid, scope: scope.to_owned(), value: value.to_owned() }
    }

    /// A phone number as digits: white space, `+`, hyphens and the like are left out; nothing when no digit is left.
    #[must_use]
    pub fn phone(number: &str) -> Option<Self> {
        let value: String = number.chars().filter(char::is_ascii_digit).collect();
        (!value.is_empty()).then(|| Self { kind: IdentityKind::Phone, scope: String::new(), value })
    }

    /// The same phone number as WhatsApp may write it, too.
    fn other_spelling(&self) -> Option<Self> {
        let value = phone::other_spelling(&self.value).filter(|_| self.kind == IdentityKind::Phone)?;
        Some(Self { value, ..self.clone() })
    }
}
