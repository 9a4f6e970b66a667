use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::{ContactId, InteractionId, UserId};

use crate::identity::Identity;
use crate::{Interaction, InteractionKind};

/// A customer of the tenant.
#[derive(Clone, Debug)]
pub struct Contact {
    pub id: ContactId,
    /// Set by a user, else from the address book of the business's phone, else from the customer's WhatsApp profile; may
    /// be empty.
    pub display_name: String,
    pub identities: Vec<Identity>,
    /// The tenant's custom fields.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// BCP 47.
    pub language: Option<String>,
    pub marketing_consent: MarketingConsent,
    /// Its identities conflict with those of another contact; a user should check.
    pub needs_review: bool,
    /// Increases with each change by a user; a change based on an older version is rejected.
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Whether the customer wants marketing messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketingConsent {
    Unknown,
    Granted,
    Withdrawn,
}

/// A contact's name as a user sets it: 1 to 200 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters on one line")]
pub struct InvalidContactName;

impl ContactName {
    /// # Errors
    /// [`InvalidContactName`].
    pub fn parse(text: &str) -> Result<Self, InvalidContactName> {
        let text = text.trim();
        let sane = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if sane { Ok(Self(text.to_owned())) } else { Err(InvalidContactName) }
    }

    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// A language tag in the form of BCP 47 (RFC 5646, section 2.1). Registration of its subtags is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a language tag of BCP 47, such as en or pt-BR")]
pub struct InvalidLanguage;

impl Language {
    /// # Errors
    /// [`InvalidLanguage`].
    pub fn parse(text: &str) -> Result<Self, InvalidLanguage> {
        let mut subtags = text.split('-');
        let is_language = |tag: &str| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphabetic());
        let is_subtag = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        let sane = text.len() <= 35 && subtags.next().is_some_and(is_language) && subtags.all(is_subtag);
        if sane { Ok(Self(text.to_owned())) } else { Err(InvalidLanguage) }
    }

    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// The interaction that records a consent set by a user.
pub(crate) fn consent_interaction(
    contact: ContactId,
    consent: MarketingConsent,
    actor: UserId,
    clock: &dyn Clock,
) -> Interaction {
    let text = match consent {
        MarketingConsent::Unknown => "Marketing consent reset",
        MarketingConsent::Granted => "Wants marketing messages",
        MarketingConsent::Withdrawn => "Wants no marketing messages",
    };
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: InteractionKind::ConsentChanged,
        text: text.to_owned(),
        actor: Some(actor),
        message: None,
        source: None,
        occurred_at: clock.now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_name_is_one_line_of_1_to_200_characters() {
        assert_eq!(ContactName::parse("  Grace Hopper ").unwrap().into_inner(), "Grace Hopper");
        assert!(ContactName::parse(&"é".repeat(200)).is_ok());
        for wrong in ["", "   ", "Grace\nHopper", "nul\0", &"é".repeat(201)] {
            assert!(ContactName::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn language_must_be_a_bcp_47_tag() {
        for tag in ["en", "pt-BR", "zh-Hant-TW", "de-CH-1901", "sl-rozaj-biske"] {
            assert_eq!(Language::parse(tag).unwrap().into_inner(), tag);
        }
        for wrong in ["", "e", "en_US", "en-", "-en", "12", "englishlanguage", "en us", "dé", &"aa-".repeat(20)] {
            assert!(Language::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
