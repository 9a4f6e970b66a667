use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, InteractionId};
use kernel::{Actor, Arrival, Clock};
use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::identity::Identity;
use crate::{Interaction, InteractionKind, title};

/// A customer of the tenant.
#[derive(Clone, Debug, PartialEq)]
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

impl Contact {
    /// Who it is; see [`title`](crate::title).
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.display_name, &self.identities)
    }
}

/// Whether the customer wants marketing messages.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MarketingConsent {
    #[default]
    Unknown,
    Granted,
    Withdrawn,
}

/// The fields that a user set by a patch, of those that events set, too: the database stores who or when for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldsSetByUser {
    /// Set, even if to the same name: the profile and the address book no longer replace it. Or cleared: the profile sets it.
    pub display_name: bool,
    /// Set to another value. From now on it counts as of now, and later events replace it.
    pub marketing_consent: bool,
}

/// A deleted contact, and how much was deleted with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedContact {
    /// Differs from the id of the request if that contact was merged into this one.
    pub id: ContactId,
    pub conversations: u64,
    pub messages: u64,
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
        let is_valid = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidContactName) }
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
    /// RFC 5646, section 4.4.1, recommends room for 35 characters.
    const MAX_BYTES: usize = 35;

    /// # Errors
    /// [`InvalidLanguage`].
    pub fn parse(text: &str) -> Result<Self, InvalidLanguage> {
        let is_valid = text.len() <= Self::MAX_BYTES && LanguageTag::parse(text).is_ok();
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidLanguage) }
    }

    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl MarketingConsent {
    /// The text of the interaction that records a change of the consent.
    #[must_use]
    pub const fn interaction_text(self) -> &'static str {
        match self {
            Self::Unknown => "Marketing consent reset",
            Self::Granted => "Wants marketing messages",
            Self::Withdrawn => "Wants no marketing messages",
        }
    }
}

/// The interaction that records a consent set by a caller.
pub(crate) fn consent_interaction(
    contact: ContactId,
    consent: MarketingConsent,
    actor: Actor,
    clock: &dyn Clock,
) -> Interaction {
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: InteractionKind::ConsentChanged,
        text: consent.interaction_text().to_owned(),
        actor: Some(actor),
        message: None,
        about: None,
        source: None,
        occurred_at: clock.now(),
        arrival: Arrival::ZERO,
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
