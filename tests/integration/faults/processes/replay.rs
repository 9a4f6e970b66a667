//! People work with a dead letter while its processes come and go.

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::app::PASSWORD;
use crate::kit::meta::Number;
use crate::kit::stage::Stage;
use crate::kit::wait;

/// I2, I5, I6: what was given up is listed; once the cause is gone it is replayed, by two people at once: one of them is told
/// that somebody else did it, and it is processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn replay_clicked_twice() {
    let mut stage = Stage::set_with(|deployment| deployment.with("PARLEY_RETRY_MAX_ATTEMPTS", "1")).await;
    let broken = stage.serve_armed("api,relay,worker", "worker.fail=return(cannot be done)").await;
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    let token = broken.client.post("/auth/signup", &signup).await.json(201)["access_token"].clone();
    let token = token.as_str().unwrap();
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    broken.client.with_token(token).post("/whatsapp-accounts", &account).await.json(201);
    stage.use_number(number);

    stage.send_to(&[&broken]);
    let body = stage.sender.delivery_of(&["cannot be done", "can be done"]);
    stage.sender.deliver(0, body).await;
    stage.settle(1).await;
    let client = broken.client.with_token(token);
    let listed = client.get("/webhook-events?status=dead_letter").await.json(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let path = format!("/webhook-events/{}/replay", listed["data"][0]["id"].as_str().unwrap());
    broken.kill().await;

    let servers = [stage.serve_as("api,relay,worker").await, stage.serve_as("api,relay,worker").await];
    let reason = json!({"reason": "the cause is mended"});
    let clicks = servers.iter().map(|server| server.client.with_token(token));
    let answers = join_all(clicks.map(|client| {
        let (path, reason) = (&path, &reason);
        async move { client.post(path, reason).await.status.as_u16() }
    }))
    .await;
    let mut statuses = answers;
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    wait::until("it to be processed", async || (stage.events("status = 'processed'").await == 2).then_some(())).await;
    stage.settle(0).await;
    assert_eq!(stage.events("replay_seq = 1").await, 1);
    stage.strike(servers).await;
}
