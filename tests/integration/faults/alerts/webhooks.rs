//! Faults that those who deliver notice, and those who ask the API.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::{join, join_all};
use serde_json::json;

use super::Watched;
use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn deliveries_and_requests() {
    let watched = Watched::begin(|deployment| deployment).await;
    // Ratios are of something: there is traffic before anything breaks.
    watched.stage.sender.burst(20).await;
    watched.sees("parley_webhook_accept_seconds_count > 0").await;

    wrong_signatures(&watched).await;
    a_table_that_is_locked(&watched).await;
    a_database_that_takes_no_connections(&watched).await;
    watched.end().await;
}

async fn wrong_signatures(watched: &Watched) {
    let forged = watched.api.client.with("x-hub-signature-256", &format!("sha256={}", "0".repeat(64)));
    let body = watched.stage.sender.delivery(1);
    let deliver = async || {
        forged.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body.clone())).await.expect(401);
    };
    watched
        .raises("ParleyBadSignatures", async || {
            join_all((0..25).map(|_| deliver())).await;
        })
        .await;
    watched.shows("ParleyBadSignatures", &["invalid_signature", r#""app_id": "deployment""#]).await;
}

/// Somebody's session holds a lock that storing needs.
async fn a_table_that_is_locked(watched: &Watched) {
    let lock = async || {
        let mut somebody = watched.stage.deployment.database.admin().await;
        somebody.batch_execute("BEGIN; LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE").await.unwrap();
        join(watched.stage.sender.burst(12), async {
            watched
                .shows("ParleyWebhookAcceptSlowFast", &["LOCK TABLE webhook_events", r#""wait_event_type": "Lock""#])
                .await;
            // Whoever has waited so far waits for longer than the objective allows.
            somebody.batch_execute("SELECT pg_sleep(0.5); COMMIT").await.unwrap();
        })
        .await;
    };
    watched.raises_as_well("ParleyWebhookAcceptSlowFast", lock).await;
    watched.raises_as_well("ParleyWebhookAcceptSlowSlow", lock).await;
    watched.shows("ParleyWebhookAcceptSlowSlow", &["webhook_events", "n_dead_tup"]).await;
}

async fn a_database_that_takes_no_connections(watched: &Watched) {
    let owner = signed_up(&watched.api.client).await;
    watched.stage.deployment.database.refuse_connections().await;
    let sender = &watched.stage.sender;
    let ask = async || {
        for _ in 0..5 {
            assert!(!sender.post(0, &sender.delivery(1)).await, "there is no database to store it in");
            assert!(owner.get("/crm/contacts").await.status.is_server_error());
        }
    };
    watched.raises_as_well("ParleyWebhookFailuresFast", ask).await;
    watched.raises_as_well("ParleyWebhookFailuresSlow", ask).await;
    watched.raises_as_well("ParleyServerErrors", ask).await;
    let causes = ["cannot be reached", "events were not stored", r#""datconnlimit": 0"#];
    watched.shows("ParleyWebhookFailuresFast", &causes).await;
    watched.shows("ParleyWebhookFailuresSlow", &["too many connections"]).await;
    watched.shows("ParleyServerErrors", &["the request failed", "cannot be reached"]).await;

    watched.stage.deployment.database.accept_connections().await;
    wait::within(super::LIMIT, "the database to be there again", async || {
        (watched.api.client.get("/readyz").await.status == 200).then_some(())
    })
    .await;
}

async fn signed_up(client: &Client) -> Client {
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    let made = client.post("/auth/signup", &signup).await.json(201);
    client.with_token(made["access_token"].as_str().unwrap())
}
