//! The kinds of [`Target`](crate::Target)s.

pub const API_KEY: &str = "api_key";
/// The operators' log; that of a tenant is named by [`TENANT`].
pub const AUDIT_LOG: &str = "audit_log";
pub const CONTACT: &str = "contact";
/// An API endpoint that refused the caller.
pub const ENDPOINT: &str = "endpoint";
pub const INVOICE: &str = "invoice";
/// Durable work.
pub const JOB: &str = "job";
pub const MESSAGE: &str = "message";
pub const META_APP: &str = "meta_app";
pub const PLAN: &str = "plan";
pub const PROVISIONING_KEY: &str = "provisioning_key";
pub const ROLE: &str = "role";
pub const SESSION: &str = "session";
pub const SIGNING_KEY: &str = "signing_key";
/// A message template.
pub const TEMPLATE: &str = "template";
pub const TENANT: &str = "tenant";
pub const USER: &str = "user";
pub const WEBHOOK_EVENT: &str = "webhook_event";
pub const WHATSAPP_ACCOUNT: &str = "whatsapp_account";
