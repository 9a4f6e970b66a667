use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::AccountId;

/// A WhatsApp number that a tenant connected.
#[derive(Clone, Debug)]
pub struct WhatsAppAccount {
    pub id: AccountId,
    pub app: MetaAppKey,
    /// Meta's id of the number: what deliveries are routed by.
    pub phone_number_id: MetaId,
    /// Meta's id of the WhatsApp Business Account that the number is in.
    pub waba_id: MetaId,
    pub display_phone_number: Option<String>,
    pub name: Option<String>,
    pub status: AccountStatus,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Claimed on the deployment's own Meta app; an operator has to approve it, or anyone could claim any number.
    Pending,
    /// Deliveries for the number go to this tenant.
    Active,
    /// History only.
    Disconnected,
}

/// A number that a tenant wants to connect.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub phone_number_id: MetaId,
    pub waba_id: MetaId,
    pub display_phone_number: Option<String>,
    pub name: Option<String>,
}

impl NewAccount {
    /// The account on the deployment's own Meta app. With `self_service` a claim is believed, which only a deployment of
    /// a single company may do.
    #[must_use]
    pub fn claim(self, self_service: bool, clock: &dyn Clock) -> WhatsAppAccount {
        WhatsAppAccount {
            id: AccountId::new(clock),
            app: MetaAppKey::deployment(),
            phone_number_id: self.phone_number_id,
            waba_id: self.waba_id,
            display_phone_number: self.display_phone_number,
            name: self.name,
            status: if self_service { AccountStatus::Active } else { AccountStatus::Pending },
            created_at: clock.now(),
        }
    }
}

/// Which Meta app signed a delivery. Events of two apps never meet: the key is part of what makes an event unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetaAppKey(String);

impl MetaAppKey {
    /// The deployment's own app, behind `/webhooks/whatsapp`.
    #[must_use]
    pub fn deployment() -> Self {
        Self("deployment".to_owned())
    }

    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id that Meta gave: 1 to 64 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetaId(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccountField {
    #[error("must be an id of Meta's, 1 to 64 digits")]
    Id,
    #[error("must have 1 to 120 characters on one line")]
    Text,
}

impl MetaId {
    /// # Errors
    /// [`InvalidAccountField::Id`].
    pub fn parse(text: &str) -> Result<Self, InvalidAccountField> {
        let sane = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if sane { Ok(Self(text.to_owned())) } else { Err(InvalidAccountField::Id) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NewAccount {
    /// # Errors
    /// [`InvalidAccountField::Text`] for names and displayed numbers that are empty, too long or have control characters.
    pub fn check_text(text: &str) -> Result<String, InvalidAccountField> {
        let text = text.trim();
        let sane = (1..=120).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if sane { Ok(text.to_owned()) } else { Err(InvalidAccountField::Text) }
    }
}
