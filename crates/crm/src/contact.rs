use chrono::{DateTime, Utc};
use kernel::ids::ContactId;

use crate::identity::Identity;

/// A customer of the tenant.
#[derive(Clone, Debug)]
pub struct Contact {
    pub id: ContactId,
    /// As the customer's profile said when they first wrote, or as a user wrote over it; may be empty.
    pub display_name: String,
    pub identities: Vec<Identity>,
    /// The tenant's own fields.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// BCP 47.
    pub language: Option<String>,
    pub marketing_consent: MarketingConsent,
    /// Its identities contradict each other; a person should look.
    pub needs_review: bool,
    /// Rises with each change by a user; a change based on an older one is refused.
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
