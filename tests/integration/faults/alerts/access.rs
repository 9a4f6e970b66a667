//! Faults of those who want to get in, and of what they need for it.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use super::Watched;
use crate::kit::app::PASSWORD;
use crate::kit::client::{Client, fresh_address};

/// Who signs up in this test.
struct Owner {
    /// With a token.
    client: Client,
    /// Without one, at the door of their tenant.
    door: Client,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn passwords_tokens_keys_and_connections() {
    let watched = Watched::begin(|deployment| {
        deployment
            .with("PARLEY_HTTP_TRUSTED_PROXIES", "127.0.0.1")
            .with("PARLEY_SIGNING_POLL_SECONDS", "1")
            .with("PARLEY_DATABASE_TENANT_CONNECTIONS", "2")
    })
    .await;
    let client = &watched.api.client;
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    let made = client.post("/auth/signup", &signup).await.json(201);
    let owner = Owner {
        client: client.with_token(made["access_token"].as_str().unwrap()),
        door: client.with("x-tenant-id", "acme"),
    };

    a_token_that_was_copied(&watched, &owner).await;
    passwords_that_are_guessed(&watched, &owner).await;
    more_logins_than_cores(&watched, &owner).await;
    a_key_that_is_old(&watched).await;
    a_pool_that_is_taken(&watched, &owner).await;
    watched.end().await;
}

async fn a_token_that_was_copied(watched: &Watched, owner: &Owner) {
    let steal = async || {
        let login = json!({"email": "ada@example.com", "password": PASSWORD});
        let first = owner.door.at(&fresh_address()).post("/auth/login", &login).await.json(200)["refresh_token"].take();
        let refresh =
            async |token: &serde_json::Value| owner.door.post("/auth/refresh", &json!({"refresh_token": token})).await;
        // Once the next token is used as well, nobody can have meant the first.
        let next = refresh(&first).await.json(200)["refresh_token"].take();
        refresh(&next).await.json(200);
        refresh(&first).await.expect(401);
    };
    watched.raises("ParleyRefreshReuse", steal).await;
    watched.shows("ParleyRefreshReuse", &["127.0.0.1", r#""tenant": "acme""#]).await;
}

/// From many addresses, so that no allowance is used up.
async fn guess(owner: &Owner, guesses: usize) {
    let wrong = json!({"email": "ada@example.com", "password": "wrong password"});
    join_all((0..guesses).map(async |_| owner.door.at(&fresh_address()).post("/auth/login", &wrong).await)).await;
}

async fn passwords_that_are_guessed(watched: &Watched, owner: &Owner) {
    watched.raises("ParleyLoginFailures", async || guess(owner, 30).await).await;
    watched.shows("ParleyLoginFailures", &[r#""reason": "wrong_password""#, r#""address": "10."#]).await;
}

async fn more_logins_than_cores(watched: &Watched, owner: &Owner) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One is checked and 64 wait, for each core; twice as many are too many.
    watched.raises("ParleyPasswordHashQueueFull", async || guess(owner, 130 * cores).await).await;
    watched.shows("ParleyPasswordHashQueueFull", &[r#""outcome": "refused""#]).await;
}

async fn a_key_that_is_old(watched: &Watched) {
    let age = "UPDATE signing_keys SET since = since - interval '40 days' WHERE state = 'active'";
    watched.stage.execute(age).await;
    watched.raises("ParleySigningKeyTooOld", async || ()).await;
    let since = watched.stage.deployment.database.text(
        "SELECT to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS finding FROM signing_keys WHERE state = 'active'",
    );
    watched.shows("ParleySigningKeyTooOld", &[&format!("since {}", since.await), "active"]).await;
}

/// Somebody locks a table: two requests wait for it, and all others for the connections that those have.
async fn a_pool_that_is_taken(watched: &Watched, owner: &Owner) {
    let mut somebody = watched.stage.deployment.database.admin().await;
    somebody.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..30 {
        let client = owner.client.clone();
        readers.spawn(async move {
            loop {
                client.get("/crm/contacts").await;
            }
        });
    }
    // So did those who guessed.
    watched.raises_as_well("ParleyPoolExhausted", async || ()).await;
    watched.shows("ParleyPoolExhausted", &[r#""wait_event_type": "Lock""#, r#""usename": "parley_app""#]).await;
    readers.shutdown().await;
    somebody.batch_execute("COMMIT").await.unwrap();
}
