//! Many sends with every fault, and senders that are killed.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::kit::api::{Conversation, Message};
use crate::kit::app::TestTenant;
use crate::kit::sending_setup::{SendingSetup, report};
use crate::kit::sent_messages::{assert_pace, states};
use crate::kit::wait;

const NUMBERS: usize = 20;
const CONVERSATIONS: usize = 25;
const MESSAGES: usize = 20;
const SENDS: usize = NUMBERS * CONVERSATIONS * MESSAGES;
/// Messages a second of a number.
const THROUGHPUT: usize = 80;
const LIMIT: Duration = Duration::from_mins(10);

/// Each with a probability of 5 %, but for those that stop a number or a pair for seconds: with 20 numbers, they would be all
/// that is tested.
fn faults() -> Vec<Value> {
    let often = |fault: Value| with(fault, 0.05);
    let rarely = |fault: Value| with(fault, 0.005);
    let mut faults: Vec<Value> = [
        json!({"fault": "hang_after_accept", "seconds": 2}),
        json!({"fault": "hang_before_accept", "seconds": 2}),
        json!({"fault": "reset_after_accept"}),
        json!({"fault": "reset_before_accept"}),
        json!({"fault": "bad_gateway_after_accept"}),
        json!({"fault": "bad_gateway"}),
        json!({"fault": "server_error_after_accept"}),
        json!({"fault": "server_error"}),
        json!({"fault": "garbage"}),
        json!({"fault": "slow_body", "seconds": 1}),
        json!({"fault": "slow_answer", "milliseconds": 300}),
        json!({"fault": "error", "code": 131_026}),
        json!({"fault": "failed_status", "code": 131_026}),
        json!({"fault": "status_before_answer"}),
        json!({"fault": "statuses_twice"}),
        json!({"fault": "statuses_reversed"}),
        json!({"fault": "failed_then_delivered"}),
        json!({"fault": "delivered_then_failed"}),
        json!({"fault": "no_statuses"}),
        json!({"fault": "without_opaque_data"}),
    ]
    .map(often)
    .into();
    faults.extend([json!({"fault": "throttle"}), json!({"fault": "error", "code": 131_056})].map(rarely));
    faults
}

fn with(mut fault: Value, probability: f64) -> Value {
    fault["probability"] = probability.into();
    fault
}

/// The last message of a conversation may be sent twice; the others would wait for it.
async fn send(tenant: &TestTenant, conversation: &Conversation, number: usize) -> Message {
    let on_unknown = if number + 1 == MESSAGES { "resend" } else { "hold" };
    let body = json!({"type": "text", "text": {"body": format!("message {number}")}, "on_unknown": on_unknown});
    let path = format!("/crm/conversations/{}/messages", conversation.id);
    loop {
        let answer = tenant.client.post(&path, &body).await;
        // The server gives up a connection on which a slow client has sent nothing.
        if answer.status != StatusCode::REQUEST_TIMEOUT {
            return answer.body(202);
        }
    }
}

/// S1 to S4, S8: the judge is the sandbox's journal.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn ten_thousand_sends_with_faults_are_sent_once() {
    let start = Instant::now();
    let setup = SendingSetup::new().await;
    let mut conversations = Vec::new();
    for _ in 0..NUMBERS {
        let (tenant, line) = setup.tenant_with_line().await;
        for (_, conversation) in setup.meta.conversations(&tenant, &line, CONVERSATIONS).await {
            conversations.push((tenant.clone(), conversation));
        }
    }
    report(&format!("{:>6.1} s: {} conversations", start.elapsed().as_secs_f64(), conversations.len()));
    setup.meta.post("/faults/seed", &json!({"seed": 20})).await;
    for fault in faults() {
        setup.meta.post("/faults", &fault).await;
    }
    // The first one leases most numbers.
    let mut senders = vec![setup.sender().await, setup.sender().await];
    let posting = stream::iter(&conversations).map(async |(tenant, conversation)| {
        let mut sent = Vec::new();
        for number in 0..MESSAGES {
            sent.push(send(tenant, conversation, number).await);
        }
        sent
    });
    let posting = posting.buffer_unordered(12).collect::<Vec<_>>();
    let killing = async {
        for share in [1, 2, 3] {
            wait::within(LIMIT, "more to be sent", async || {
                (setup.meta.get("/state").await["requests"]["accepted"].as_u64() > Some((SENDS / 5 * share) as u64))
                    .then_some(())
            })
            .await;
            senders.remove(0).kill().await;
            senders.push(setup.sender().await);
        }
    };
    let (sent, ()) = tokio::join!(posting, killing);
    let sent: Vec<Message> = sent.into_iter().flatten().collect();
    assert_eq!(sent.len(), SENDS);
    report(&format!("{:>6.1} s: all posted, senders killed three times", start.elapsed().as_secs_f64()));
    let wishes = setup.judge(&sent, LIMIT).await;
    let journal = setup.meta.whole_journal().await;
    assert_pace(&journal, THROUGHPUT);
    let twice = wishes.iter().filter(|wish| wish.attempts > 1).count();
    report(&format!(
        "{:>6.1} s: all judged: {} accepted by the sandbox, {:?}, {twice} with several attempts",
        start.elapsed().as_secs_f64(),
        journal.len(),
        states(&wishes),
    ));
    setup.shut_down(senders).await;
}
