use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::{Change, Clock};
use serde_json::{Map, Value};
use whatsapp::MetaAppKey;

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
    /// What Meta says about the number, by topic.
    pub health: Map<String, Value>,
    pub created_at: DateTime<Utc>,
}

/// An account as operators see it.
#[derive(Clone, Debug)]
pub struct AccountWithTenant {
    /// The slug of its tenant.
    pub tenant: String,
    pub account: WhatsAppAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Claimed on the deployment's own Meta app; an operator has to approve it, or anyone could claim any number.
    Pending,
    /// Deliveries for the number go to this tenant.
    Active,
    /// History only.
    Disconnected(Disconnection),
}

/// Who ended an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnection {
    /// For good: whatever Meta sends reaches this account no more.
    ByTenant,
    /// Meta may take it back, and says so to this account.
    ByMeta,
}

/// A number that a tenant wants to connect.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Whose deliveries are for the account.
    pub app: MetaAppKey,
    pub phone_number_id: MetaId,
    pub waba_id: MetaId,
    pub display_phone_number: Option<String>,
    pub name: Option<String>,
}

/// What the tenant calls an account.
#[derive(Clone, Debug, Default)]
pub struct AccountPatch {
    pub name: Change<String>,
    pub display_phone_number: Change<String>,
}

impl WhatsAppAccount {
    /// The account after a patch.
    #[must_use]
    pub fn patch(self, patch: AccountPatch) -> Self {
        Self {
            name: patch.name.of(self.name),
            display_phone_number: patch.display_phone_number.of(self.display_phone_number),
            ..self
        }
    }
}

impl NewAccount {
    /// The account as it starts. On a tenant's own Meta app it is active at once: only who knows the app's secret can send
    /// anything to it. On the deployment's it is so with `self_service` only, where a claim is believed, which only a
    /// deployment of a single company may do.
    #[must_use]
    pub fn claim(self, self_service: bool, clock: &dyn Clock) -> WhatsAppAccount {
        let believed = self_service || self.app.tenant_key().is_some();
        WhatsAppAccount {
            id: AccountId::new(clock),
            app: self.app,
            phone_number_id: self.phone_number_id,
            waba_id: self.waba_id,
            display_phone_number: self.display_phone_number,
            name: self.name,
            status: if believed { AccountStatus::Active } else { AccountStatus::Pending },
            health: Map::new(),
            created_at: clock.now(),
        }
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
    pub fn parse_text(text: &str) -> Result<String, InvalidAccountField> {
        let text = text.trim();
        let sane = (1..=120).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if sane { Ok(text.to_owned()) } else { Err(InvalidAccountField::Text) }
    }
}
