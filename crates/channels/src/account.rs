use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::AccountId;
use serde_json::{Map, Value};
use whatsapp::{EventKind, MetaAppKey};

use crate::{AccountCheck, InvalidAccountField, MetaId, SendingFacts, Throughput};

/// A WhatsApp number that a tenant has connected.
#[derive(Clone, Debug)]
pub struct WhatsAppAccount {
    pub id: AccountId,
    pub app: MetaAppKey,
    /// Meta's id of the number. Deliveries are routed by it.
    pub phone_number_id: MetaId,
    /// Meta's id of the WhatsApp Business Account of the number.
    pub waba_id: MetaId,
    pub display_phone_number: Option<String>,
    pub name: Option<String>,
    pub status: AccountStatus,
    /// The latest update of each health topic, as Meta sent it.
    pub health: Map<String, Value>,
    pub last_delivery: Option<LastDelivery>,
    pub throughput: Throughput,
    /// Whether customers see that their messages were read.
    pub send_read_receipts: bool,
    pub sending: SendingFacts,
    pub last_check: Option<AccountCheck>,
    pub waiting_media: WaitingMedia,
    pub created_at: DateTime<Utc>,
}

/// Files of messages of an account that are still at Meta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingMedia {
    pub files: u64,
    /// When Meta deletes the first of them.
    pub first_ends_at: Option<DateTime<Utc>>,
}

/// The last event of an account that was processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastDelivery {
    /// When it was received.
    pub at: DateTime<Utc>,
    pub kind: EventKind,
}

/// An account with its tenant, for operators.
#[derive(Clone, Debug)]
pub struct AccountWithTenant {
    /// The slug of its tenant.
    pub tenant: String,
    pub account: WhatsAppAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Claimed on the deployment's own Meta app. An operator must approve it; otherwise any tenant could claim any number.
    Pending,
    /// Deliveries of the number are processed for this tenant.
    Active,
    /// Its deliveries are not processed; its history is kept.
    Disconnected(Disconnection),
}

/// Who disconnected an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnection {
    /// Permanent: its deliveries are no longer processed.
    ByTenant,
    /// Meta can restore it, and says so in a delivery to this account. Any delivery for its number that is received later restores
    /// it, too.
    ByMeta,
}

/// A number that a tenant wants to connect.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The app whose deliveries the account receives.
    pub app: MetaAppKey,
    pub phone_number_id: MetaId,
    pub waba_id: MetaId,
    pub display_phone_number: Option<String>,
    pub name: Option<String>,
}

impl NewAccount {
    /// The new account. On a tenant's own Meta app it is active at once, because only deliveries signed with the app's secret
    /// reach it. On the deployment's app it is pending, unless `self_service` is set, which is safe only for a deployment of a
    /// single company.
    #[must_use]
    pub fn into_account(self, self_service: bool, clock: &dyn Clock) -> WhatsAppAccount {
        let active = self_service || self.app.tenant_key().is_some();
        WhatsAppAccount {
            id: AccountId::new(clock),
            app: self.app,
            phone_number_id: self.phone_number_id,
            waba_id: self.waba_id,
            display_phone_number: self.display_phone_number,
            name: self.name,
            status: if active { AccountStatus::Active } else { AccountStatus::Pending },
            health: Map::new(),
            last_delivery: None,
            throughput: Throughput::default(),
            send_read_receipts: false,
            sending: SendingFacts::default(),
            last_check: None,
            waiting_media: WaitingMedia::default(),
            created_at: clock.now(),
        }
    }
}

impl NewAccount {
    /// # Errors
    /// [`InvalidAccountField::Text`] if a name or displayed number is empty, too long or has control characters.
    pub fn parse_text(text: &str) -> Result<String, InvalidAccountField> {
        let text = text.trim();
        let valid = (1..=120).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if valid { Ok(text.to_owned()) } else { Err(InvalidAccountField::Text) }
    }
}
