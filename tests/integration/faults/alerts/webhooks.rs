//! Alerts about webhook deliveries and API requests.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::{join, join_all};

use super::Watched;
use crate::kit::client::Client;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn webhook_faults_raise_alerts() {
    let watched = Watched::begin(|deployment| deployment).await;
    // Error ratios need successful traffic first.
    watched.setup.sender.burst(20).await;
    watched.wait_for("parley_webhook_accept_seconds_count > 0").await;

    wrong_signatures(&watched).await;
    a_table_that_is_locked(&watched).await;
    a_database_that_takes_no_connections(&watched).await;
    watched.end().await;
}

async fn wrong_signatures(watched: &Watched) {
    let forged = watched.api.client.with("x-hub-signature-256", &format!("sha256={}", "0".repeat(64)));
    let body = watched.setup.sender.delivery(1);
    let deliver = async || {
        forged.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body.clone())).await.expect(401);
    };
    watched
        .assert_raises("ParleyBadSignatures", async || {
            join_all((0..25).map(|_| deliver())).await;
        })
        .await;
    watched.assert_shows("ParleyBadSignatures", &["invalid_signature", r#""app_id": "deployment""#]).await;
}

/// A session holds a lock that storing needs.
async fn a_table_that_is_locked(watched: &Watched) {
    let lock = async || {
        let mut lock_holder = watched.setup.deployment.database.admin().await;
        lock_holder.batch_execute("BEGIN; LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE").await.unwrap();
        join(watched.setup.sender.burst(12), async {
            watched
                .assert_shows(
                    "ParleyWebhookAcceptSlowFast",
                    &["LOCK TABLE webhook_events", r#""wait_event_type": "Lock""#],
                )
                .await;
            // Deliveries that wait for so long exceed the objective.
            let waiting = "SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND usename LIKE 'parley%' AND wait_event_type = 'Lock'
                              AND clock_timestamp() - query_start > interval '500 milliseconds'";
            wait::until("a delivery to be slow", async || {
                (watched.setup.deployment.database.count(waiting).await > 0).then_some(())
            })
            .await;
            lock_holder.batch_execute("COMMIT").await.unwrap();
        })
        .await;
    };
    watched.assert_raised("ParleyWebhookAcceptSlowFast", lock).await;
    watched.assert_raised("ParleyWebhookAcceptSlowSlow", lock).await;
    watched.assert_shows("ParleyWebhookAcceptSlowSlow", &["webhook_events", "n_dead_tup"]).await;
}

async fn a_database_that_takes_no_connections(watched: &Watched) {
    let owner = signed_up(&watched.api.client).await;
    watched.setup.deployment.database.refuse_connections().await;
    let sender = &watched.setup.sender;
    let ask = async || {
        for _ in 0..5 {
            assert!(!sender.post(0, &sender.delivery(1)).await, "the database refuses connections");
            assert!(owner.get("/crm/contacts").await.status.is_server_error());
        }
    };
    watched.assert_raised("ParleyWebhookFailuresFast", ask).await;
    watched.assert_raised("ParleyWebhookFailuresSlow", ask).await;
    watched.assert_raised("ParleyServerErrors", ask).await;
    let causes = ["cannot be reached", "storing events failed", r#""datconnlimit": 0"#];
    watched.assert_shows("ParleyWebhookFailuresFast", &causes).await;
    watched.assert_shows("ParleyWebhookFailuresSlow", &["too many connections"]).await;
    watched.assert_shows("ParleyServerErrors", &["request failed", "cannot be reached"]).await;

    watched.setup.deployment.database.accept_connections().await;
    wait::within(super::LIMIT, "the database to accept connections", async || {
        (watched.api.client.get("/readyz").await.status == 200).then_some(())
    })
    .await;
}

async fn signed_up(client: &Client) -> Client {
    client.with_token(&client.sign_up("acme").await.access_token)
}
