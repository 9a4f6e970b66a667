//! Operators and their keys.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use flows::{Database as _, create_provisioning_key, settle};
use kernel::ids::ProvisioningKeyId;
use kernel::{Operator, SystemEntropy};
use serde_json::json;
use strum::VariantArray as _;
use tokens::KeyScope;

use super::app::{TestApp, TestTenant};
use super::client::Client;

#[expect(clippy::disallowed_methods, reason = "as the command line does")]
pub(crate) const fn operator() -> Operator {
    Operator::from_command_line()
}

/// A key, its secret, and a client that uses it.
pub(crate) async fn key(
    app: &TestApp,
    scopes: &[KeyScope],
    expires_at: Option<DateTime<Utc>>,
) -> (ProvisioningKeyId, String, Client) {
    let mut tx = app.postgres.operator().await.unwrap();
    let scopes: BTreeSet<KeyScope> = scopes.iter().copied().collect();
    let (entropy, name) = (SystemEntropy::new(), "test".to_owned());
    let made = create_provisioning_key(operator(), &mut *tx, name, scopes, expires_at, &entropy, &*app.clock).await;
    let (key, secret) = settle(tx, made).await.unwrap();
    (key.id, secret.expose().to_owned(), app.client.with_token(secret.expose()))
}

/// A client with a key of all scopes.
pub(crate) async fn all_scopes(app: &TestApp) -> Client {
    key(app, KeyScope::VARIANTS, None).await.2
}

impl TestApp {
    /// Suspends a tenant, as an operator.
    pub(crate) async fn suspend(&self, tenant: &TestTenant) {
        self.set_status(tenant, "suspended").await;
    }

    /// Reactivates a tenant, as an operator; its held events are processed.
    pub(crate) async fn reactivate(&self, tenant: &TestTenant) {
        self.set_status(tenant, "active").await;
    }

    async fn set_status(&self, tenant: &TestTenant, status: &str) {
        let (_, _, operator) = key(self, &[KeyScope::TenantsWrite], None).await;
        operator.patch(&format!("/tenants/{}", tenant.id), &json!({"status": status})).await.expect(200);
    }
}
