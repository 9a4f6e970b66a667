//! What Meta's answers make of a message, and what people do about it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Setup;
use crate::kit::api::Message;

async fn attempts(setup: &Setup, message: &Message) -> Vec<Value> {
    let path = format!("/crm/messages/{}/attempts", message.id);
    let found: Value = setup.tenant.client.get(&path).await.json(200);
    found["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_message_fails_and_is_sent_again() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "error", "code": 131_026, "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Hello").await;
    let failed = setup.tenant.wait_for_status(&sent, "failed").await;
    let error = failed.error.unwrap();
    assert_eq!((error.code, error.class.as_str(), failed.may_have_been_sent), (Some(131_026), "recipient", false));
    assert!(!error.title.is_empty() && !error.advice.is_empty());
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 0);

    let path = format!("/crm/messages/{}/resend", sent.id);
    let again: Message = setup.tenant.client.post(&path, &json!({})).await.body(200);
    assert_eq!((again.id.as_str(), again.error), (sent.id.as_str(), None));
    let delivered = setup.tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!(delivered.wamid, setup.meta.journal(&setup.line).await[0].wamid);
    let attempts = attempts(&setup, &sent).await;
    let outcomes: Vec<_> = attempts.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "accepted"]);
    assert_eq!((attempts[0]["code"].as_i64(), attempts[0]["http_status"].as_i64().is_some()), (Some(131_026), true));
    setup.tenant.client.post(&path, &json!({})).await.problem(409, "not_resendable");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unclear_answer_waits_for_people() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "reset_before_accept", "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Did it arrive?").await;
    let unknown = setup.tenant.wait_for_status(&sent, "unknown").await;
    assert!(unknown.may_have_been_sent);
    assert_eq!(unknown.error.unwrap().class, "unclear");
    let path = |action: &str| format!("/crm/messages/{}/{action}", sent.id);
    setup.tenant.client.post(&path("resend"), &json!({})).await.problem(409, "not_resendable");
    setup.tenant.client.post(&path("dismiss"), &json!({})).await.problem(409, "not_dismissable");
    // What is unclear does not hold back what follows.
    let next = setup.tenant.send_text(&setup.conversation, "Next").await;
    setup.tenant.wait_for_status(&next, "delivered").await;

    setup.app.clock.advance(TimeDelta::minutes(11));
    setup.tenant.client.post(&path("resend"), &json!({})).await.expect(200);
    let delivered = setup.tenant.wait_for_status(&sent, "delivered").await;
    assert!(!delivered.may_have_been_sent);
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 2);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_settles_an_unclear_answer() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "reset_after_accept", "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Hello").await;
    let delivered = setup.tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!((delivered.may_have_been_sent, delivered.error), (false, None));
    let journal = setup.meta.journal(&setup.line).await;
    assert_eq!((journal.len(), &delivered.wamid), (1, &journal[0].wamid));
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unclear_message_is_dismissed() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "bad_gateway", "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Hello").await;
    setup.tenant.wait_for_status(&sent, "unknown").await;
    setup.app.clock.advance(TimeDelta::minutes(11));
    let path = |action: &str| format!("/crm/messages/{}/{action}", sent.id);
    setup.tenant.client.post(&path("dismiss"), &json!({})).await.expect(200);
    setup.tenant.client.post(&path("resend"), &json!({})).await.problem(409, "not_resendable");
    let records: Value = setup.tenant.client.get("/audit-log").await.json(200);
    assert!(records.to_string().contains("message.dismissed"), "{records}");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttle_is_not_yet_and_then_sent() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "throttle", "code": 130_429, "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Patience").await;
    setup.tenant.wait_for_status(&sent, "held").await;
    setup.app.clock.advance(TimeDelta::seconds(5));
    setup.tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!(attempts(&setup, &sent).await.len(), 2);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_token_holds_messages_until_a_new_one() {
    let setup = Setup::new().await;
    let number = format!("/numbers/{}", setup.line.number.phone_number_id);
    setup.meta.patch(&number, &json!({"token_error": 463})).await;
    let first = setup.tenant.send_text(&setup.conversation, "First").await;
    setup.tenant.wait_for_status(&first, "held").await;
    let second = setup.tenant.send_text(&setup.conversation, "Second").await;
    assert_eq!(second.status.as_deref(), Some("queued"));
    setup.tenant.wait_for_status(&second, "held").await;
    let path = format!("/whatsapp-accounts/{}", setup.line.account.id);
    let account: Value = setup.tenant.client.get(&path).await.json(200);
    assert_eq!(account["sending"]["state"], "paused");

    // Tokens are told apart by when they were entered.
    setup.app.clock.advance(TimeDelta::seconds(1));
    setup.meta.patch(&number, &json!({"token_error": null, "tokens": ["EAAnew"]})).await;
    setup.tenant.client.patch(&path, &json!({"access_token": "EAAnew"})).await.expect(200);
    setup.tenant.wait_for_status(&second, "delivered").await;
    let journal = setup.meta.journal(&setup.line).await;
    assert_eq!(journal.iter().map(|sent| &sent.body["text"]["body"]).collect::<Vec<_>>(), ["First", "Second"]);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_status_tells_why() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "failed_status", "code": 131_026, "count": 1})).await;
    let sent = setup.tenant.send_text(&setup.conversation, "Hello").await;
    let failed = setup.tenant.wait_for_status(&sent, "failed").await;
    let error = failed.error.unwrap();
    assert_eq!((error.code, error.class.as_str()), (Some(131_026), "recipient"));
    assert!(failed.wamid.is_some());
    setup.app.finish().await;
}
