//! WhatsApp numbers and Meta apps.

use serde::Deserialize;
use serde_json::Value;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct WhatsAppAccount {
    pub(crate) id: String,
    pub(crate) phone_number_id: String,
    pub(crate) waba_id: String,
    pub(crate) display_phone_number: Option<String>,
    pub(crate) name: Option<String>,
    /// The key of the tenant's own app; none for the deployment's.
    pub(crate) app: Option<String>,
    pub(crate) status: String,
    /// What Meta reported, by subject.
    pub(crate) health: Value,
    pub(crate) last_delivery: Option<LastDelivery>,
    pub(crate) sending: Sending,
    pub(crate) throughput: i64,
    pub(crate) send_read_receipts: bool,
    pub(crate) last_check: Option<AccountCheck>,
    pub(crate) waiting_media: Value,
    pub(crate) created_at: String,
}

/// Whether an account can send.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Sending {
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) advice: Option<String>,
}

/// What Meta said of an account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AccountCheck {
    pub(crate) checked_at: String,
    pub(crate) token: Value,
    pub(crate) number: Value,
    pub(crate) account: Value,
    pub(crate) problems: Vec<CheckProblem>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct CheckProblem {
    pub(crate) what: String,
    pub(crate) advice: String,
}

/// The last event of an account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct LastDelivery {
    pub(crate) at: String,
    pub(crate) kind: String,
}

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct OwnedAccount {
    #[serde(flatten)]
    pub(crate) account: WhatsAppAccount,
    /// The slug of its tenant.
    pub(crate) tenant: String,
}

impl Resource for WhatsAppAccount {
    const LIST: &'static str = "/whatsapp-accounts";

    fn segment(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct MetaApp {
    pub(crate) key: String,
    pub(crate) app_id: String,
    pub(crate) name: Option<String>,
    pub(crate) webhook_path: String,
    pub(crate) has_previous_secret: bool,
    pub(crate) previous_secret_ends_at: Option<String>,
    pub(crate) handshake: Handshake,
    pub(crate) unusable_events: Option<UnusableEvents>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// The last handshakes of an app.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Handshake {
    pub(crate) succeeded_at: Option<String>,
    pub(crate) failed_at: Option<String>,
}

/// What an app delivered and Parley could not use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct UnusableEvents {
    pub(crate) day: String,
    pub(crate) stored: i64,
    pub(crate) dropped: i64,
    pub(crate) unconnected_number: Option<UnconnectedNumber>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct UnconnectedNumber {
    pub(crate) phone_number_id: String,
    pub(crate) at: String,
    pub(crate) advice: String,
}

impl Resource for MetaApp {
    const LIST: &'static str = "/meta-apps";

    fn segment(&self) -> &str {
        &self.key
    }
}
