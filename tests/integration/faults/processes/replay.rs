//! Replaying a dead letter while processes restart.

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::api::{Resource as _, WebhookEvent};
use crate::kit::fault_setup::FaultSetup;
use crate::kit::meta::Number;
use crate::kit::wait;

/// I2, I5, I6: a dead letter is listed; once the cause is gone, two users replay it concurrently: one is refused with a
/// conflict, and the event is processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn repeated_replay_processes_once() {
    let mut setup = FaultSetup::with(|deployment| deployment.with("PARLEY_RETRY_MAX_ATTEMPTS", "1")).await;
    let broken = setup.serve_armed("api,relay,worker", "worker.fail=return(cannot be processed)").await;
    let token = broken.client.sign_up("acme").await.access_token;
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    broken.client.with_token(&token).post("/whatsapp-accounts", &account).await.json(201);
    setup.use_number(number);

    setup.send_to(&[&broken]);
    let body = setup.sender.delivery_of(&["cannot be processed", "can be processed"]);
    setup.sender.deliver(0, body).await;
    setup.settle(1).await;
    let client = broken.client.with_token(&token);
    let listed: Vec<WebhookEvent> = client.list("/webhook-events?status=dead_letter").await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    let path = format!("{}/replay", listed[0].path());
    broken.kill().await;

    let servers = [setup.serve_as("api,relay,worker").await, setup.serve_as("api,relay,worker").await];
    let reason = json!({"reason": "the cause is fixed"});
    let clients = servers.iter().map(|server| server.client.with_token(&token));
    let answers = join_all(clients.map(|client| {
        let (path, reason) = (&path, &reason);
        async move { client.post(path, reason).await.status.as_u16() }
    }))
    .await;
    let mut statuses = answers;
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    wait::until("the event to be processed", async || (setup.events("status = 'processed'").await == 2).then_some(()))
        .await;
    setup.settle(0).await;
    assert_eq!(setup.events("replay_seq = 1").await, 1);
    setup.shut_down(servers).await;
}
