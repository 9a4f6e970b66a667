//! Several senders, one number.

use serde_json::json;

use crate::kit::sending_setup::{LIMIT, SendingSetup};
use crate::kit::sent_messages::assert_pace;
use crate::kit::wait;

/// Messages a second.
const THROUGHPUT: usize = 20;

/// S1, S4, S8: two processes want one number, and the one that has it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn two_senders_of_one_number_keep_order_and_pace() {
    let setup = SendingSetup::new().await;
    let (tenant, line) = setup.tenant_with_line().await;
    let path = format!("/whatsapp-accounts/{}", line.account.id);
    tenant.client.patch(&path, &json!({"throughput": THROUGHPUT})).await.json(200);
    let conversations = setup.meta.conversations(&tenant, &line, 8).await;
    let mut sent = Vec::new();
    for (_, conversation) in &conversations {
        sent.extend(setup.send_all(&tenant, conversation, 0..25).await);
    }
    let first = setup.sender().await;
    wait::within(LIMIT, "the first sender to send", async || {
        (setup.meta.journal(&line).await.len() > 20).then_some(())
    })
    .await;
    let second = setup.sender().await;
    wait::within(LIMIT, "half to be sent", async || (setup.meta.journal(&line).await.len() > 100).then_some(())).await;
    first.kill().await;
    let third = setup.sender().await;
    let wishes = setup.judge(&sent, LIMIT).await;
    assert_pace(&setup.meta.journal(&line).await, THROUGHPUT);
    // One conversation has one message in flight, so that few may be unclear.
    let unclear = wishes.iter().filter(|wish| wish.state != "accepted").count();
    assert!(unclear <= conversations.len(), "{unclear}");
    setup.shut_down([second, third]).await;
}

/// Each of two senders works half of the numbers, and one alone works all of them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn senders_share_numbers_until_one_is_killed() {
    const NUMBERS: usize = 12;
    let setup = SendingSetup::new().await;
    let mut lines = Vec::new();
    for _ in 0..NUMBERS {
        let (tenant, line) = setup.tenant_with_line().await;
        let (_, conversation) = setup.meta.conversation(&tenant, &line).await;
        lines.push((tenant, conversation));
    }
    let (first, second) = (setup.sender().await, setup.sender().await);
    let database = &setup.deployment.database;
    wait::until("both senders", async || (database.count("SELECT count(*) FROM senders").await == 2).then_some(()))
        .await;
    let mut sent = Vec::new();
    for (tenant, conversation) in &lines {
        sent.push(tenant.send_text(conversation, "Hello").await);
    }
    let shares = "SELECT coalesce(string_agg(numbers::text, ' '), '') AS finding FROM (
                    SELECT count(*) AS numbers FROM sender_leases GROUP BY holder) AS shares";
    wait::until("half of the numbers for each", async || (database.text(shares).await == "6 6").then_some(())).await;

    first.kill().await;
    for (tenant, conversation) in &lines {
        sent.push(tenant.send_text(conversation, "Hello again").await);
    }
    setup.judge(&sent, LIMIT).await;
    setup.shut_down([second]).await;
}

/// S1, S4, S6: a sender is stopped during a call for longer than its lease; another one takes the number over. Then it continues.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_that_slept_through_its_lease_sends_once() {
    let setup = SendingSetup::new().await;
    let (tenant, line) = setup.tenant_with_line().await;
    let conversations = setup.meta.conversations(&tenant, &line, 4).await;
    setup.meta.fault(&line, json!({"fault": "slow_answer", "milliseconds": 2000, "count": 4})).await;
    setup.meta.fault(&line, json!({"fault": "no_statuses"})).await;
    let mut sent = Vec::new();
    for (_, conversation) in &conversations {
        sent.extend(setup.send_all(&tenant, conversation, 0..5).await);
    }
    let sleeping = setup.sender().await;
    wait::within(LIMIT, "the first calls", async || (setup.meta.journal(&line).await.len() == 4).then_some(())).await;
    sleeping.signal("STOP");
    let other = setup.sender().await;
    for first in sent.iter().step_by(5) {
        setup.wait_for(&tenant, first, "unknown").await;
    }
    setup.wait_for(&tenant, &sent[19], "accepted").await;
    sleeping.signal("CONT");
    // The answers were there all the time.
    for message in &sent {
        setup.wait_for(&tenant, message, "accepted").await;
    }
    let wishes = setup.judge(&sent, LIMIT).await;
    assert!(wishes.iter().all(|wish| wish.attempts == 1));
    assert_eq!(setup.meta.journal(&line).await.len(), sent.len());
    setup.shut_down([sleeping, other]).await;
}
