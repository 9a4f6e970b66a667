use std::fmt;
use std::sync::Arc;

use billing::PaymentTerms;
use chrono::TimeDelta;
use flows::Identity;
use inbound::AppCredentials;
use kernel::Tracing;
use kernel::seal::KeyRing;
use pipeline::Intake;
use tokens::ProvisioningKeyHash;
use tokio::sync::Notify;

use crate::background::Background;
use crate::http::cursor::CursorKey;
use crate::http::extract::TrustedProxies;
use crate::http::operations::Readiness;

/// What the handlers need.
pub struct State {
    /// Database, clock and keys, among others.
    pub identity: Identity,
    /// Of the deployment's own Meta app.
    pub whatsapp: AppCredentials,
    /// Seals and opens the secrets of tenants' own Meta apps.
    pub ring: Arc<KeyRing>,
    /// Whether a claimed WhatsApp number is active without an operator's approval.
    pub self_service: bool,
    /// Whether anyone may sign up.
    pub signup_open: bool,
    /// What the operators' key of the configuration is known by, if there is one.
    pub bootstrap_key: Option<ProvisioningKeyHash>,
    /// How long tenants have time to pay.
    pub payment: PaymentTerms,
    /// How long others may keep our public keys.
    pub keys_kept: TimeDelta,
    pub cursor_key: CursorKey,
    pub trusted_proxies: TrustedProxies,
    /// Wakes the relay when events were stored.
    pub nudge: Arc<Notify>,
    /// Stores what Meta delivers.
    pub intake: Intake,
    pub readiness: Arc<dyn Readiness>,
    /// Where the steps of traces go.
    pub tracing: Tracing,
    /// Where runs what no client may stop by hanging up.
    pub background: Background,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("identity", &self.identity).finish_non_exhaustive()
    }
}
