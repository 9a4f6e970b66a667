//! Answers of Meta's that do not say whether it took the message.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::kit::api::{Conversation, Message};
use crate::kit::app::TestTenant;
use crate::kit::sandbox::{Line, MetaSandbox, Sent};
use crate::kit::sent_messages::{send_of, wishes};
use crate::kit::wait;

/// Longer than a message waits until it is sent once more, and than a person waits until they may decide.
const LATER: TimeDelta = TimeDelta::minutes(11);

/// Errors of Meta's after which it may have taken the message.
const CODES: [i64; 5] = [1, 2, 131_000, 131_016, 133_004];

/// Answers that do not say that Meta took the message although it did.
fn spoiled_answers() -> Vec<Value> {
    let mut faults = vec![
        json!({"fault": "hang_after_accept", "seconds": 1}),
        json!({"fault": "reset_after_accept"}),
        json!({"fault": "bad_gateway_after_accept"}),
        json!({"fault": "garbage"}),
    ];
    faults.extend(CODES.map(|code| json!({"fault": "server_error_after_accept", "code": code})));
    faults
}

/// Answers that do not say that Meta did not take the message.
fn failed_requests() -> Vec<Value> {
    let mut faults = vec![
        json!({"fault": "hang_before_accept", "seconds": 1}),
        json!({"fault": "reset_before_accept"}),
        json!({"fault": "bad_gateway"}),
    ];
    faults.extend(CODES.map(|code| json!({"fault": "server_error", "code": code})));
    faults
}

/// A message whose first call meets a fault.
struct Case {
    fault: Value,
    on_unknown: &'static str,
    /// Meta has the message, and its statuses do not come.
    is_taken: bool,
    sent: Message,
}

/// Sends a message for each fault and each wish about unclear answers, each to a customer of its own.
async fn send_all(
    meta: &MetaSandbox,
    tenant: &TestTenant,
    line: &Line,
    faults: &[(Value, bool)],
    with_statuses: bool,
) -> Vec<Case> {
    let wanted: Vec<(&Value, bool, &'static str)> = faults
        .iter()
        .flat_map(|(fault, is_taken)| ["hold", "resend", "fail"].map(|on_unknown| (fault, *is_taken, on_unknown)))
        .collect();
    let conversations = meta.conversations(tenant, line, wanted.len()).await;
    let mut cases = Vec::new();
    for ((fault, is_taken, on_unknown), (phone, conversation)) in wanted.into_iter().zip(conversations) {
        let to = format!("+{phone}");
        let with = |mut fault: Value| {
            fault["to"] = to.as_str().into();
            fault["count"] = 1.into();
            fault
        };
        meta.fault(line, with(fault.clone())).await;
        if is_taken && !with_statuses {
            meta.fault(line, with(json!({"fault": "no_statuses"}))).await;
        }
        let sent = send(tenant, &conversation, on_unknown).await;
        cases.push(Case { fault: fault.clone(), on_unknown, is_taken, sent });
    }
    cases
}

async fn send(tenant: &TestTenant, conversation: &Conversation, on_unknown: &str) -> Message {
    tenant.send(conversation, &json!({"type": "text", "text": {"body": "Hello"}, "on_unknown": on_unknown})).await
}

/// What the sandbox accepted for a message.
async fn entries_of(app: &crate::kit::app::TestApp, journal: &[Sent], message: &Message) -> usize {
    let wishes = wishes(&app.database).await;
    let wish = wishes.iter().find(|wish| wish.message == message.id).expect("the wish is stored");
    journal.iter().filter(|entry| send_of(entry) == wish.send).count()
}

async fn attempts(tenant: &TestTenant, message: &Message) -> Vec<Value> {
    let attempts: Value = tenant.client.get(&format!("/crm/messages/{}/attempts", message.id)).await.json(200);
    attempts["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn unclear_message_is_never_resent_unless_wanted() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let faults: Vec<(Value, bool)> = (spoiled_answers().into_iter().map(|fault| (fault, true)))
        .chain(failed_requests().into_iter().map(|fault| (fault, false)))
        .collect();
    let cases = send_all(&meta, &tenant, &line, &faults, false).await;

    for case in &cases {
        let status = match case.on_unknown {
            "hold" => "unknown",
            "resend" => "queued",
            _ => "failed",
        };
        let seen = wait::until("the first attempt to end", async || {
            let now = tenant.read_message(&case.sent.id).await;
            now.may_have_been_sent.then_some(now)
        })
        .await;
        let what = format!("{} with {}", case.fault, case.on_unknown);
        assert_eq!(seen.status.as_deref(), Some(status), "{what}");
        assert_eq!(seen.error.as_ref().map(|error| error.class.as_str()), Some("unclear"), "{what}");
        let attempts = attempts(&tenant, &case.sent).await;
        assert_eq!((attempts.len(), attempts[0]["outcome"].as_str()), (1, Some("unclear")), "{what}");
    }
    let journal = meta.journal(&line).await;
    assert_eq!(journal.len(), cases.iter().filter(|case| case.is_taken).count());

    app.clock.advance(LATER);
    let tenant = tenant.log_in_again(&app).await;
    for case in cases.iter().filter(|case| case.on_unknown == "resend") {
        let delivered = tenant.wait_for_status(&case.sent, "delivered").await;
        assert!(!delivered.may_have_been_sent && delivered.error.is_none(), "{}", case.fault);
        let outcomes: Vec<Value> =
            attempts(&tenant, &case.sent).await.iter().map(|attempt| attempt["outcome"].clone()).collect();
        assert_eq!(outcomes, ["unclear", "accepted"], "{}", case.fault);
    }
    let journal = meta.journal(&line).await;
    for case in &cases {
        let resent = usize::from(case.on_unknown == "resend");
        let expected = usize::from(case.is_taken) + resent;
        assert_eq!(entries_of(&app, &journal, &case.sent).await, expected, "{} {}", case.fault, case.on_unknown);
    }
    // A person may decide now.
    let held = cases.iter().find(|case| case.on_unknown == "hold").expect("there is such a case");
    tenant.client.post(&format!("/crm/messages/{}/resend", held.sent.id), &json!({})).await.json(200);
    tenant.wait_for_status(&held.sent, "delivered").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_resend_does_not_make_the_first_attempt_clear() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let cases = send_all(&meta, &tenant, &line, &[(json!({"fault": "reset_after_accept"}), true)], false).await;
    let resent = &cases.iter().find(|case| case.on_unknown == "resend").expect("there is such a case").sent;
    wait::until("the first attempt to end", async || {
        tenant.read_message(&resent.id).await.may_have_been_sent.then_some(())
    })
    .await;
    meta.fault(&line, json!({"fault": "error", "code": 131_026, "count": 1})).await;

    app.clock.advance(LATER);
    let tenant = tenant.log_in_again(&app).await;
    let failed = tenant.wait_for_status(resent, "failed").await;
    assert_eq!((failed.error.unwrap().code, failed.may_have_been_sent), (Some(131_026), true));
    assert_eq!(attempts(&tenant, resent).await.len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_settles_an_unclear_message_without_resending() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let faults: Vec<(Value, bool)> = spoiled_answers().into_iter().map(|fault| (fault, true)).collect();
    let cases = send_all(&meta, &tenant, &line, &faults, true).await;
    for case in &cases {
        let delivered = tenant.wait_for_status(&case.sent, "delivered").await;
        let what = format!("{} with {}", case.fault, case.on_unknown);
        assert!(!delivered.may_have_been_sent && delivered.error.is_none(), "{what}: {delivered:?}");
        assert!(delivered.wamid.is_some(), "{what}");
    }
    app.clock.advance(LATER);
    // What is sent now would leave after a repetition of what was unclear.
    let tenant = tenant.log_in_again(&app).await;
    let (_, conversation) = meta.conversation(&tenant, &line).await;
    let last = tenant.send_text(&conversation, "Last").await;
    tenant.wait_for_status(&last, "delivered").await;
    assert_eq!(meta.journal(&line).await.len(), cases.len() + 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unclear_message_does_not_hold_back_the_next() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let (_, conversation) = meta.conversation(&tenant, &line).await;
    meta.fault(&line, json!({"fault": "reset_before_accept", "count": 1})).await;
    let unclear = tenant.send_text(&conversation, "one").await;
    let next = tenant.send_text(&conversation, "two").await;
    tenant.wait_for_status(&next, "delivered").await;
    let unclear = tenant.read_message(&unclear.id).await;
    assert_eq!((unclear.status.as_deref(), unclear.may_have_been_sent), (Some("unknown"), true));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_or_unusual_acceptance_is_an_acceptance() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let faults = [
        json!({"fault": "slow_body", "seconds": 1}),
        json!({"fault": "slow_answer", "milliseconds": 500}),
        json!({"fault": "created"}),
        json!({"fault": "extra_fields"}),
        json!({"fault": "held_for_quality"}),
    ];
    let conversations = meta.conversations(&tenant, &line, faults.len()).await;
    for (mut fault, (phone, conversation)) in faults.into_iter().zip(conversations) {
        let name = fault["fault"].clone();
        fault["to"] = format!("+{phone}").into();
        meta.fault(&line, fault).await;
        let sent = tenant.send_text(&conversation, "Hello").await;
        let delivered = tenant.wait_for_status(&sent, "delivered").await;
        assert!(!delivered.may_have_been_sent, "{name}");
        // The status may come before the end of the answer.
        let outcome = wait::until("the end of the call", async || {
            let outcome = attempts(&tenant, &sent).await[0]["outcome"].clone();
            (!outcome.is_null()).then_some(outcome)
        });
        assert_eq!(outcome.await, "accepted", "{name}");
    }
    app.finish().await;
}
