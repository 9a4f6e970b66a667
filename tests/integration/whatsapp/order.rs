//! The order within a second: arrival of the delivery, then place in it, whatever the workers' timing.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::kit::api::{Conversation, Interaction, Message, Page, Resource as _, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::customer::{Customer, wamid};

/// The texts of a conversation's messages, first one first.
async fn thread(tenant: &TestTenant, conversation: &Conversation) -> Vec<String> {
    let messages = tenant.messages(conversation).await;
    messages.into_iter().rev().map(|message| message.text).collect()
}

/// The texts of a contact's history, first one first.
async fn history(tenant: &TestTenant, conversation: &Conversation) -> Vec<String> {
    let path = format!("/crm/contacts/{}/interactions?limit=100", conversation.contact_id);
    let interactions: Vec<Interaction> = tenant.client.list(&path).await;
    interactions.into_iter().rev().map(|interaction| interaction.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_delivery_keep_their_places() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let texts: Vec<String> = (0..40).map(|n| format!("number {n}")).collect();
    let messages: Vec<Value> = texts.iter().map(|text| ada.text(10, text)).collect();
    app.process(&number.received(&ada, &messages)).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(thread(&tenant, &conversation).await, texts);
    assert_eq!(history(&tenant, &conversation).await, texts);
    assert_eq!(conversation.last_message_preview, "number 39");

    // Page by page, also while more arrive in the same second.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Page<Message> =
            tenant.client.read(&format!("{}?limit=7{cursor}", conversation.messages_path())).await;
        seen.extend(page.data.into_iter().map(|message| message.text));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
        app.process(&number.received(&ada, &[ada.text(10, "later")])).await;
    }
    seen.reverse();
    assert_eq!(seen, texts);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_one_after_another_keep_their_order() {
    let app = TestApp::start_with_pipeline().await;
    let other = app.start_another(Settings::default()).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let texts: Vec<String> = (0..24).map(|n| format!("number {n}")).collect();
    for (n, text) in texts.iter().enumerate() {
        // Two servers, each with a clock of its own.
        let server = if n % 2 == 0 { &app } else { &other };
        let delivery = if n % 3 == 0 {
            number.echoes(&[ada.echo(10, "text", json!({"body": text}))])
        } else {
            number.received(&ada, &[ada.text(10, text)])
        };
        server.deliver(&delivery).await.expect(200);
    }
    // The other clock is ahead: what it stored is due then.
    app.clock.advance(TimeDelta::minutes(1));
    app.wait_until_processed().await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(thread(&tenant, &conversation).await, texts);
    assert_eq!(history(&tenant, &conversation).await, texts);
    assert_eq!(conversation.last_message_preview, "number 23");
    other.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_history_thread_keep_their_places() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let texts: Vec<String> = (0..6).map(|n| format!("number {n}")).collect();
    let past: Vec<Value> = texts.iter().map(|text| ada.text(10, text)).collect();
    app.process(&number.history(&[(&ada, &past)])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(thread(&tenant, &conversation).await, texts);
    assert_eq!(history(&tenant, &conversation).await, texts);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_of_one_second_are_in_their_natural_order() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let sent = ada.echo(10, "text", json!({"body": "Hello"}));
    app.process(&number.echoes(std::slice::from_ref(&sent))).await;
    for status in ["warning", "read", "sent", "delivered"] {
        app.process(&number.statuses(&[ada.status(10, wamid(&sent), status)])).await;
    }
    app.process(&number.statuses(&[ada.status(11, wamid(&sent), "played")])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let message = tenant.message(&conversation, wamid(&sent)).await;
    let steps = column(&message.delivery_steps, |step| step.status.as_str());
    assert_eq!(steps, ["sent", "delivered", "read", "warning", "played"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_reaction_and_edit_of_a_second_count() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (theirs, ours) = (ada.text(10, "draft 0"), ada.echo(10, "text", json!({"body": "Hello"})));
    app.process(&number.echoes(std::slice::from_ref(&ours))).await;
    let react = |emoji: &str| ada.message(10, "reaction", json!({"message_id": wamid(&ours), "emoji": emoji}));
    let edit = |body: &str| {
        let edited = json!({"type": "text", "text": {"body": body}});
        ada.message(10, "edit", json!({"original_message_id": wamid(&theirs), "message": edited}))
    };
    for round in 0..4 {
        let messages = [react("👍"), edit(&format!("draft {round}a")), react(""), edit(&format!("draft {round}b"))];
        app.process(&number.received(&ada, &messages)).await;
    }
    app.process(&number.received(&ada, std::slice::from_ref(&theirs))).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(tenant.message(&conversation, wamid(&theirs)).await.text, "draft 3b");
    assert_eq!(tenant.message(&conversation, wamid(&ours)).await.reactions, []);
    app.process(&number.received(&ada, &[react(""), react("🎉")])).await;
    assert_eq!(column(&tenant.message(&conversation, wamid(&ours)).await.reactions, |it| it.emoji.as_str()), ["🎉"]);
    let told = history(&tenant, &conversation).await;
    let expected = ["Hello", "Reacted with 👍", "draft 0a", "Took a reaction back", "draft 0b", "Reacted with 👍"];
    assert_eq!(told[..6], expected);
    assert_eq!(told[told.len() - 2..], ["Took a reaction back", "Reacted with 🎉"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_conversations_of_a_second_keep_their_order() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let people: Vec<Customer> = (0..9).map(|_| Customer::fresh()).collect();
    let calls: Vec<Value> = (0..6)
        .map(|n| {
            let mut call = Value::Object(people[0].from());
            call["id"] = json!(format!("wacid.{n}"));
            call["timestamp"] = people[0].text(20, "")["timestamp"].clone();
            call["event"] = json!(if n % 2 == 0 { "connect" } else { "call_recording_available" });
            call["direction"] = json!("USER_INITIATED");
            call
        })
        .collect();
    for person in &people {
        app.deliver(&number.received(person, &[person.text(10, person.bsuid())])).await.expect(200);
    }
    app.deliver(&number.change("calls", json!({"contacts": [people[0].entry()], "calls": calls}))).await.expect(200);
    app.wait_until_processed().await;
    let mut listed: Vec<Conversation> = tenant.client.list(&format!("{}?limit=100", Conversation::LIST)).await;
    listed.reverse();
    let previews = column(&listed, |it| it.last_message_preview.as_str());
    assert_eq!(previews, column(&people, Customer::bsuid));
    let first = tenant.conversation_by_identity("bsuid", people[0].bsuid()).await;
    let told = history(&tenant, &first).await;
    assert_eq!(told[1..], ["Incoming call", "Call recording available"].repeat(3));
    app.finish().await;
}
