//! Answers that do not come within the time that a call may take.

use serde_json::json;

use crate::kit::sending_setup::{LIMIT, SendingSetup};

/// S1, S3: a call without an answer ends after 30 seconds, and is unclear.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn answer_that_never_comes_leaves_unclear() {
    let setup = SendingSetup::new().await;
    let (tenant, line) = setup.tenant_with_line().await;
    let faults = [
        json!({"fault": "hang_after_accept"}),
        json!({"fault": "hang_before_accept"}),
        json!({"fault": "slow_body", "seconds": 120}),
    ];
    let conversations = setup.meta.conversations(&tenant, &line, faults.len()).await;
    setup.meta.pause_webhooks(true).await;
    let mut sent = Vec::new();
    for (mut fault, (phone, conversation)) in faults.into_iter().zip(&conversations) {
        fault["to"] = format!("+{phone}").into();
        fault["count"] = 1.into();
        setup.meta.fault(&line, fault).await;
        sent.push(tenant.send_text(conversation, "Hello").await);
    }
    let sender = setup.sender().await;
    for message in &sent {
        let unclear = setup.wait_for(&tenant, message, "unknown").await;
        assert!(unclear.may_have_been_sent);
    }
    setup.meta.pause_webhooks(false).await;
    setup.wait_for(&tenant, &sent[0], "delivered").await;
    setup.wait_for(&tenant, &sent[2], "delivered").await;
    let wishes = setup.judge(&sent, LIMIT).await;
    assert!(wishes.iter().all(|wish| wish.attempts == 1));
    assert_eq!(setup.meta.journal(&line).await.len(), 2);
    setup.shut_down([sender]).await;
}
