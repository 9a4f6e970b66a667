//! Messages that are sent later: times, changing, canceling.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock as _;
use serde_json::{Value, json};

use super::{Setup, text};
use crate::kit::api::Message;

fn at(setup: &Setup, delta: TimeDelta) -> String {
    let time: DateTime<Utc> = setup.app.clock.now() + delta;
    time.to_rfc3339()
}

async fn schedule(setup: &Setup, body: &str, delta: TimeDelta) -> Message {
    let mut request = text(body);
    request["send_at"] = json!(at(setup, delta));
    setup.tenant.send(&setup.conversation, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_message_leaves_at_its_time() {
    let setup = Setup::new().await;
    let later = schedule(&setup, "Later", TimeDelta::minutes(10)).await;
    let now = setup.tenant.send_text(&setup.conversation, "Now").await;
    assert!(later.send_at.is_some() && later.status.as_deref() == Some("queued"));
    // What is scheduled does not hold back what is not.
    setup.tenant.wait_for_status(&now, "delivered").await;
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 1);
    setup.app.clock.advance(TimeDelta::minutes(11));
    setup.tenant.wait_for_status(&later, "delivered").await;
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_message_is_changed_or_canceled() {
    let setup = Setup::new().await;
    let (changed, canceled) =
        (schedule(&setup, "Tomorow", TimeDelta::hours(1)).await, schedule(&setup, "Never", TimeDelta::hours(1)).await);
    let path = format!("/crm/messages/{}", changed.id);
    let now: Message = setup.tenant.client.patch(&path, &text("Tomorrow")).await.body(200);
    assert_eq!((now.text.as_str(), &now.send_at), ("Tomorrow", &changed.send_at));
    let sooner = json!({"send_at": at(&setup, TimeDelta::minutes(5))});
    let now: Message = setup.tenant.client.patch(&path, &sooner).await.body(200);
    assert_eq!(now.text, "Tomorrow");
    assert_ne!(now.send_at, changed.send_at);
    let cancel = format!("/crm/messages/{}/cancel", canceled.id);
    let now: Message = setup.tenant.client.post(&cancel, &json!({})).await.body(200);
    assert_eq!((now.status.as_deref(), now.error.unwrap().class.as_str()), (Some("canceled"), "canceled"));
    setup.tenant.client.post(&cancel, &json!({})).await.problem(409, "not_cancelable");

    setup.app.clock.advance(TimeDelta::hours(2));
    let tenant = setup.tenant.log_in_again(&setup.app).await;
    tenant.wait_for_status(&changed, "delivered").await;
    let journal = setup.meta.journal(&setup.line).await;
    assert_eq!(journal.iter().map(|sent| &sent.body["text"]["body"]).collect::<Vec<_>>(), ["Tomorrow"]);
    tenant.client.patch(&path, &text("Too late")).await.problem(409, "not_changeable");
    let cancel = format!("/crm/messages/{}/cancel", changed.id);
    tenant.client.post(&cancel, &json!({})).await.problem(409, "not_cancelable");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_cannot_leave_in_time_expires() {
    let setup = Setup::new().await;
    setup.meta.fault(&setup.line, json!({"fault": "throttle", "code": 4, "retry_after": 3600})).await;
    let mut request = text("In time");
    request["send_before"] = json!(at(&setup, TimeDelta::minutes(5)));
    let message = setup.tenant.send(&setup.conversation, &request).await;
    setup.tenant.wait_for_status(&message, "held").await;
    setup.app.clock.advance(TimeDelta::minutes(6));
    let expired = setup.tenant.wait_for_status(&message, "expired").await;
    assert_eq!((expired.error.unwrap().code, expired.may_have_been_sent), (Some(4), false));
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 0);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_is_canceled_if_the_customer_writes_first() {
    let setup = Setup::new().await;
    let mut request = text("Are you still there?");
    request["send_at"] = json!(at(&setup, TimeDelta::minutes(10)));
    request["cancel_if_customer_writes"] = json!(true);
    let message = setup.tenant.send(&setup.conversation, &request).await;
    setup.app.clock.advance(TimeDelta::minutes(1));
    setup.meta.write(&setup.line, &setup.phone, "Yes").await;
    crate::kit::wait::until("the customer's message", async || {
        let list: Value = setup.tenant.client.get(&setup.messages_path()).await.json(200);
        (list["data"].as_array()?.len() == 3).then_some(())
    })
    .await;
    setup.app.clock.advance(TimeDelta::minutes(10));
    let canceled = setup.tenant.wait_for_status(&message, "canceled").await;
    assert_eq!(canceled.error.unwrap().title, "The customer wrote first");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_for_after_the_window_is_refused() {
    let setup = Setup::new().await;
    let mut request = text("After the window");
    request["send_at"] = json!(at(&setup, TimeDelta::hours(30)));
    setup.tenant.client.post(&setup.messages_path(), &request).await.problem(409, "window_closed");
    setup.app.finish().await;
}
