//! Operators and their keys.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use flows::{Database as _, create_provisioning_key, settle};
use kernel::ids::ProvisioningKeyId;
use kernel::{Operator, SystemEntropy};
use tokens::KeyScope;

use super::app::TestApp;
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
