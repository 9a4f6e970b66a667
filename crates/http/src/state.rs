use std::fmt;
use std::sync::Arc;

use billing::PaymentTerms;
use channels::{AccountApi, AppCredentials};
use chrono::TimeDelta;
use flows::{AuthService, Database, DeliveryStore, JobBell, SendBell, SendStore};
use kernel::seal::KeyRing;
use kernel::{Clock, Tracing};
use media::{MediaApi, ObjectStore, Thumbnailer};
use outbound::TemplateApi;
use tokens::ProvisioningKeyHash;
use tokio::sync::Notify;

use crate::background::Background;
use crate::cursor::CursorKey;
use crate::limits::Limits;
use crate::readiness::Readiness;
use crate::trusted_proxies::TrustedProxies;
use crate::webhooks::AppCache;

/// Shared by all handlers.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
pub struct State {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    /// Logins, registration, sessions and tokens.
    pub auth: AuthService,
    /// Credentials of the deployment's own Meta app.
    pub deployment_app: AppCredentials,
    /// Meta, asked about access tokens and numbers.
    pub account_api: Arc<dyn AccountApi>,
    /// Meta, asked about message templates.
    pub template_api: Arc<dyn TemplateApi>,
    /// Meta, which takes and gives files.
    pub media_api: Arc<dyn MediaApi>,
    /// The bytes of files.
    pub object_store: Arc<dyn ObjectStore>,
    /// Makes small pictures.
    pub thumbnailer: Arc<dyn Thumbnailer>,
    /// Bytes of the largest file that may be uploaded.
    pub max_upload_bytes: u64,
    /// Encrypts and decrypts the secrets of tenants' own Meta apps and numbers.
    pub key_ring: Arc<KeyRing>,
    /// Whether a connected WhatsApp number is active without an operator's approval.
    pub self_service: bool,
    /// Whether anyone may sign up.
    pub signup_open: bool,
    /// Whether people may register in tenants that allow it.
    pub registration_open: bool,
    /// Hash of the provisioning key from the configuration, if one is configured.
    pub bootstrap_key: Option<ProvisioningKeyHash>,
    /// When an invoice is due.
    pub payment_terms: PaymentTerms,
    /// Whether a tenant may mark its own invoices as paid: only in a deployment of a single company.
    pub tenants_mark_paid: bool,
    /// How long clients may cache the public signing keys.
    pub jwks_max_age: TimeDelta,
    pub cursor_key: CursorKey,
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    /// Credentials of tenants' Meta apps.
    pub app_cache: AppCache,
    /// Wakes the relay after events were stored.
    pub wake_relay: Arc<Notify>,
    /// Wakes senders after a message was stored.
    pub send_bell: Arc<dyn SendBell>,
    /// Wakes job runners after a job was scheduled.
    pub job_bell: Arc<dyn JobBell>,
    /// Stores requests to send.
    pub send_store: Arc<dyn SendStore>,
    /// Stores webhook deliveries.
    pub delivery_store: Arc<dyn DeliveryStore>,
    pub readiness: Arc<dyn Readiness>,
    pub tracing: Tracing,
    /// Runs work that must finish even if the client disconnects.
    pub background: Background,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("auth", &self.auth).finish_non_exhaustive()
    }
}
