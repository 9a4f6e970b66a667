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
    pub(crate) created_at: String,
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
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Resource for MetaApp {
    const LIST: &'static str = "/meta-apps";

    fn segment(&self) -> &str {
        &self.key
    }
}
