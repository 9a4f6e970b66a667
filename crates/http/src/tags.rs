//! Tags, which group the operations in the OpenAPI document.

pub(crate) const AUTH: &str = "auth";
pub(crate) const TENANT: &str = "tenant";
pub(crate) const USERS: &str = "users";
pub(crate) const ROLES: &str = "roles";
pub(crate) const API_KEYS: &str = "api-keys";
pub(crate) const KEYS: &str = "keys";
pub(crate) const CHANNELS: &str = "channels";
pub(crate) const TEMPLATES: &str = "templates";
pub(crate) const CRM: &str = "crm";
pub(crate) const SENDING: &str = "sending";
pub(crate) const BILLING: &str = "billing";
pub(crate) const AUDIT: &str = "audit";
pub(crate) const EVENTS: &str = "events";
pub(crate) const PLATFORM: &str = "platform";
pub(crate) const WEBHOOKS: &str = "webhooks";
pub(crate) const OPERATIONS: &str = "operations";
