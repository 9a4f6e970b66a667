//! What needs an answer shows: missed calls, and what customers do to messages that were read.

use serde_json::{Value, json};

use super::permutations::{Scenario, result_in_any_order};
use crate::kit::api::{Conversation, column};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::{Number, fresh_digits, second, time};

/// The end of a call of a customer; without a duration it was missed.
fn call(number: &Number, from: &Customer, at: i64, more: &Value) -> Value {
    let mut call = Value::Object(from.from());
    call["id"] = json!(format!("wacid.{}", fresh_digits()));
    call["event"] = json!("terminate");
    call["direction"] = json!("USER_INITIATED");
    call["timestamp"] = json!(second(at).to_string());
    for (key, value) in more.as_object().unwrap() {
        call[key] = value.clone();
    }
    number.change("calls", json!({"contacts": [from.entry()], "calls": [call]}))
}

fn missed_call(number: &Number, from: &Customer, at: i64) -> Value {
    call(number, from, at, &json!({"status": "FAILED"}))
}

fn edit(by: &Customer, at: i64, message: &Value, body: &str) -> Value {
    let edited = json!({"type": "text", "text": {"body": body}});
    by.message(at, "edit", json!({"original_message_id": wamid(message), "message": edited}))
}

fn react(by: &Customer, at: i64, message: &Value, emoji: &str) -> Value {
    by.message(at, "reaction", json!({"message_id": wamid(message), "emoji": emoji}))
}

fn row(conversation: &Conversation) -> (u32, &str, &str) {
    (conversation.unread_count, conversation.last_message_preview.as_str(), conversation.last_activity_at.as_str())
}

async fn read(tenant: &TestTenant, conversation: &Conversation) -> Conversation {
    let conversation = tenant.client.reload(conversation).await;
    let read = tenant.client.change(&conversation, json!({"unread_count": 0})).await;
    assert_eq!(read.unread_count, 0);
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_call_of_a_stranger_opens_a_conversation() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    let missed = missed_call(&number, &ada, 10);
    for _ in 0..2 {
        app.process(&missed).await;
    }
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!(row(&conversation), (1, "Missed call", time(10).as_str()));
    assert_eq!((conversation.status.as_str(), conversation.window_end()), ("open", time(10 + 24 * 3_600).as_str()));
    assert_eq!(tenant.messages(&conversation).await, []);

    // Answered, and not answered by the customer.
    app.process(&call(&number, &grace, 20, &json!({"duration": 35}))).await;
    app.process(&call(&number, &grace, 21, &json!({"direction": "BUSINESS_INITIATED"}))).await;
    assert_eq!(tenant.conversations().await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_call_of_a_customer_makes_theirs_unread() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&ada, &[ada.text(10, "Call me")])).await;
    app.process(&number.received(&grace, &[grace.text(15, "Hello")])).await;
    let seen = tenant.conversation_by_identity("phone", ada.phone()).await;
    let conversation = read(&tenant, &seen).await;
    app.process(&missed_call(&number, &ada, 20)).await;
    let listed = tenant.conversations().await;
    assert_eq!((&listed[0].id, row(&listed[0])), (&conversation.id, (1, "Missed call", time(20).as_str())));
    assert_eq!(listed[0].last_message_at, time(10));
    // One that was read before the call cannot be closed unseen.
    let stale = tenant.client.try_change(&conversation, json!({"status": "closed"})).await;
    stale.problem(409, "stale_version");
    let conversation = tenant.client.change(&listed[0], json!({"status": "closed", "unread_count": 0})).await;
    app.process(&missed_call(&number, &ada, 30)).await;
    let again = &tenant.conversations().await[0];
    assert_eq!(again.previous_conversation_id.as_deref(), Some(conversation.id.as_str()));
    assert_eq!(row(again), (1, "Missed call", time(30).as_str()));
    app.process(&number.received(&ada, &[ada.text(40, "Never mind")])).await;
    assert_eq!(row(&tenant.client.reload(again).await), (2, "Never mind", time(40).as_str()));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_and_deletion_of_a_read_message_are_news() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    let (first, last) = (ada.text(10, "At 9"), ada.text(11, "Thanks"));
    app.process(&number.received(&ada, &[first.clone(), last])).await;
    app.process(&number.received(&grace, &[grace.text(15, "Hello")])).await;
    app.process(&number.received(&ada, &[edit(&ada, 12, &first, "At 8")])).await;
    let seen = tenant.conversation_by_identity("phone", ada.phone()).await;
    // It had not been read, so it is unread once.
    assert_eq!(row(&seen), (2, "At 8", time(12).as_str()));
    read(&tenant, &seen).await;
    for (at, body) in [(20, "At 7"), (21, "At 6")] {
        app.process(&number.received(&ada, &[edit(&ada, at, &first, body)])).await;
        let listed = tenant.conversations().await;
        assert_eq!((&listed[0].id, row(&listed[0])), (&seen.id, (1, body, time(at).as_str())));
        assert_eq!(listed[0].last_message_at, time(11));
    }
    read(&tenant, &seen).await;
    let revocation = ada.message(30, "revoke", json!({"original_message_id": wamid(&first)}));
    for _ in 0..2 {
        app.process(&number.received(&ada, std::slice::from_ref(&revocation))).await;
    }
    assert_eq!(row(&tenant.client.reload(&seen).await), (1, "Message deleted", time(30).as_str()));

    let contact = tenant.contact_by_identity("phone", ada.phone()).await;
    let message = tenant.message(&seen, wamid(&first)).await;
    let interactions = tenant.interactions(&contact).await;
    let about: Vec<_> = interactions.iter().filter(|it| it.kind != "inbound_message").collect();
    assert_eq!(about.len(), 4);
    assert!(about.iter().all(|it| it.message_id.as_deref() == Some(message.id.as_str())), "{about:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reaction_to_the_businesss_words_is_news_until_removed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (theirs, ours) = (ada.text(10, "Hello"), ada.echo(20, "text", json!({"body": "Is 9 fine?"})));
    let reaction = react(&ada, 30, &ours, "👍");
    // Before the message that it is about.
    app.process(&number.received(&ada, std::slice::from_ref(&reaction))).await;
    app.process(&number.received(&ada, std::slice::from_ref(&theirs))).await;
    app.process(&number.echoes(std::slice::from_ref(&ours))).await;
    let seen = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!(row(&seen), (2, "Reacted with 👍", time(30).as_str()));
    let contact = tenant.contact_by_identity("phone", ada.phone()).await;
    let message = tenant.message(&seen, wamid(&ours)).await;
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(interactions[0].message_id.as_deref(), Some(message.id.as_str()));
    read(&tenant, &seen).await;
    app.process(&number.received(&ada, &[react(&ada, 40, &ours, "🎉")])).await;
    assert_eq!(row(&tenant.client.reload(&seen).await), (1, "Reacted with 🎉", time(40).as_str()));
    app.process(&number.received(&ada, &[react(&ada, 40, &ours, "")])).await;
    assert_eq!(row(&tenant.client.reload(&seen).await), (0, "Is 9 fine?", time(20).as_str()));

    // What the business does shows, and is read.
    let ours_to_theirs = ada.echo(50, "reaction", json!({"message_id": wamid(&theirs), "emoji": "👀"}));
    app.process(&number.echoes(&[ours_to_theirs])).await;
    assert_eq!(row(&tenant.client.reload(&seen).await), (0, "Is 9 fine?", time(20).as_str()));
    let correction =
        json!({"original_message_id": wamid(&ours), "message": {"type": "text", "text": {"body": "Is 8 fine?"}}});
    app.process(&number.echoes(&[ada.echo(60, "edit", correction)])).await;
    assert_eq!(row(&tenant.client.reload(&seen).await), (0, "Is 8 fine?", time(60).as_str()));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activity_events_commute() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let scenario = |number: &Number| {
        let ada = Customer::fresh();
        let (theirs, ours) = (ada.text(10, "At 9"), ada.echo(20, "text", json!({"body": "Fine"})));
        let ids = [wamid(&theirs).to_owned(), wamid(&ours).to_owned()];
        let deliveries = vec![
            number.received(&ada, &[theirs.clone(), react(&ada, 50, &ours, "👍")]),
            number.echoes(std::slice::from_ref(&ours)),
            number.received(&ada, &[edit(&ada, 40, &theirs, "At 8")]),
            number.received(&ada, &[react(&ada, 60, &ours, "")]),
            missed_call(number, &ada, 30),
        ];
        let wamids = [(ids[0].as_str(), "theirs"), (ids[1].as_str(), "ours")];
        Scenario::new(deliveries, &wamids, &[(&ada, ["phone", "bsuid"])])
    };
    let result = result_in_any_order(&app, &tenant, scenario).await;
    let [conversation] = &result["conversations"].as_array().unwrap()[..] else { panic!("{result:#}") };
    let shown = (&conversation["unread_count"], &conversation["last_message_preview"]);
    assert_eq!(shown, (&json!(2), &json!("At 8")), "{result:#}");
    assert_eq!(column(result["messages_of_contact"].as_array().unwrap(), |it| it["text"].clone()), ["Fine", "At 8"]);
    app.finish().await;
}
