//! Alerts about authentication: passwords, tokens, keys, database pools.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use super::Watched;
use crate::kit::api::LoggedIn;
use crate::kit::app::PASSWORD;
use crate::kit::client::{Client, fresh_address};

/// The tenant's owner.
struct Owner {
    /// A client with a token.
    client: Client,
    /// A client without a token, with the tenant header.
    anonymous: Client,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn access_faults_raise_alerts() {
    let watched = Watched::begin(|deployment| {
        deployment
            .with("PARLEY_HTTP_TRUSTED_PROXIES", "127.0.0.1")
            .with("PARLEY_SIGNING_POLL_SECONDS", "1")
            .with("PARLEY_DATABASE_TENANT_CONNECTIONS", "2")
            // One tenant is to take them all.
            .with("PARLEY_LIMITS_CONCURRENT_PER_TENANT", "0")
    })
    .await;
    let client = &watched.api.client;
    let session = client.sign_up("acme").await;
    let owner =
        Owner { client: client.with_token(&session.access_token), anonymous: client.with("x-tenant-id", "acme") };

    a_token_that_was_copied(&watched, &owner).await;
    passwords_that_are_guessed(&watched, &owner).await;
    more_logins_than_cores(&watched, &owner).await;
    a_key_that_is_old(&watched).await;
    an_audit_record_that_was_forged(&watched).await;
    an_audit_record_that_cannot_be_sealed(&watched).await;
    a_pool_that_is_taken(&watched, &owner).await;
    watched.end().await;
}

async fn a_token_that_was_copied(watched: &Watched, owner: &Owner) {
    let replay = async || {
        let client = owner.anonymous.with_address(&fresh_address());
        let refresh = async |token: &str| owner.anonymous.post("/auth/refresh", &json!({"refresh_token": token})).await;
        let login = json!({"email": "ada@example.com", "password": PASSWORD});
        let first: LoggedIn = client.post("/auth/login", &login).await.body(200);
        // Once its successor has been used, showing the first token is a replay.
        let next: LoggedIn = refresh(&first.refresh_token).await.body(200);
        refresh(&next.refresh_token).await.expect(200);
        refresh(&first.refresh_token).await.expect(401);
    };
    watched.assert_raises("ParleyRefreshReuse", replay).await;
    watched.assert_shows("ParleyRefreshReuse", &["127.0.0.1", r#""tenant": "acme""#]).await;
}

/// Each from an address of its own, so that no rate limit of addresses applies.
async fn guess(owner: &Owner, guesses: usize, email: impl Fn(usize) -> String) {
    let guess = async |n: usize| {
        let wrong = json!({"email": email(n), "password": "wrong password"});
        owner.anonymous.with_address(&fresh_address()).post("/auth/login", &wrong).await
    };
    join_all((0..guesses).map(guess)).await;
}

async fn passwords_that_are_guessed(watched: &Watched, owner: &Owner) {
    watched
        .assert_raises("ParleyLoginFailures", async || guess(owner, 30, |_| "ada@example.com".to_owned()).await)
        .await;
    watched.assert_shows("ParleyLoginFailures", &[r#""reason": "wrong_password""#, r#""address": "10."#]).await;
}

async fn more_logins_than_cores(watched: &Watched, owner: &Owner) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Each core hashes one password and queues 64; twice as many requests overflow the queue.
    // Of as many accounts: guesses against one of them are limited.
    let email = |n: usize| format!("user-{n}@example.com");
    watched.assert_raises("ParleyPasswordHashQueueFull", async || guess(owner, 130 * cores, email).await).await;
    watched.assert_shows("ParleyPasswordHashQueueFull", &[r#""outcome": "refused""#]).await;
}

async fn a_key_that_is_old(watched: &Watched) {
    let age = "UPDATE signing_keys SET since = since - interval '40 days' WHERE state = 'active'";
    watched.setup.execute(age).await;
    watched.assert_raises("ParleySigningKeyTooOld", async || ()).await;
    let since = watched.setup.deployment.database.text(
        "SELECT to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS finding FROM signing_keys WHERE state = 'active'",
    );
    watched.assert_shows("ParleySigningKeyTooOld", &[&format!("since {}", since.await), "active"]).await;
}

async fn an_audit_record_that_was_forged(watched: &Watched) {
    let insert = "INSERT INTO platform_audit_records (id, occurred_at, actor_kind, action, outcome, changes)
        VALUES (gen_random_uuid(), now(), 'command_line', 'plan.changed', 'done', '{}')";
    watched.assert_raises("ParleyAuditForged", async || watched.setup.execute(insert).await).await;
    watched.assert_shows("ParleyAuditForged", &[r#""action": "plan.changed""#, r#""without_mac": true"#]).await;
}

/// Removed, but not from the list of unsealed records.
async fn an_audit_record_that_cannot_be_sealed(watched: &Watched) {
    let insert = "INSERT INTO audit_unsealed (tenant_id, record_id)
        SELECT id, '01890000-0000-7000-8000-000000000001' FROM tenants WHERE slug = 'acme' ON CONFLICT DO NOTHING";
    watched.assert_raises("ParleyAuditUnsealed", async || watched.setup.execute(insert).await).await;
    let shown = [r#""removed": 1"#, r#""tenant": "acme""#, "was removed before it was sealed"];
    watched.assert_shows("ParleyAuditUnsealed", &shown).await;
    watched.setup.execute("DELETE FROM audit_unsealed").await;
}

/// A locked table: two requests wait for it, and all others wait for their connections.
async fn a_pool_that_is_taken(watched: &Watched, owner: &Owner) {
    let mut lock_holder = watched.setup.deployment.database.admin().await;
    lock_holder.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..30 {
        let client = owner.client.clone();
        readers.spawn(async move {
            loop {
                client.get("/crm/contacts").await;
            }
        });
    }
    // The wrong passwords raised these too.
    watched.assert_raised("ParleyPoolExhausted", async || ()).await;
    watched.assert_shows("ParleyPoolExhausted", &[r#""wait_event_type": "Lock""#, r#""usename": "parley_app""#]).await;
    readers.shutdown().await;
    lock_holder.batch_execute("COMMIT").await.unwrap();
}
