//! Several events tell of one message: an import of the history, a webhook, an echo, another party's thread. In any order the
//! result is the same.

use crm::PastRepo;
use flows::{Database as _, settle};
use kernel::ids::MessageId;
use serde_json::{Value, json};

use super::permutations::{Scenario, result_in_any_order};
use crate::kit::api::{Contact, Conversation, Resource as _, column};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::{Number, time};
use crate::transactions::scope_of;

/// Where a message may be told of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    HistoryThread,
    HistoryFile,
    Standby,
    /// `messages`, or `smb_message_echoes` for a message of the business.
    Present,
}

const FIELDS: [Field; 4] = [Field::HistoryThread, Field::HistoryFile, Field::Standby, Field::Present];

/// A delivery that tells of a message of a customer.
fn inbound(number: &Number, field: Field, customer: &Customer, message: &Value) -> Value {
    let listed = json!({"contacts": [customer.entry()], "messages": [message]});
    match field {
        Field::HistoryThread => number.history(&[(customer, std::slice::from_ref(message))]),
        Field::HistoryFile => number.change("history", listed),
        Field::Standby => number.change("standby", listed),
        Field::Present => number.change("messages", listed),
    }
}

/// A delivery that tells of a message to a customer.
fn outbound(number: &Number, field: Field, customer: &Customer, message: &Value) -> Value {
    let echoes = json!({"contacts": [customer.entry()], "message_echoes": [message]});
    match field {
        Field::HistoryThread => {
            let mut message = message.clone();
            message["history_context"] = json!({"status": "READ"});
            number.history(&[(customer, &[message])])
        }
        Field::HistoryFile => number.change("history", echoes),
        Field::Standby => number.change("standby", echoes),
        Field::Present => number.change("smb_message_echoes", echoes),
    }
}

fn with_id(mut message: Value, id: &str) -> Value {
    message["id"] = json!(id);
    message
}

/// The fields of two tellings.
fn pairs() -> impl Iterator<Item = [Field; 2]> {
    FIELDS.into_iter().flat_map(|first| FIELDS.into_iter().map(move |second| [first, second])).filter(|[a, b]| a != b)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tellings_of_a_customers_message_commute() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    for [first, second] in pairs() {
        let result = result_in_any_order(&app, &tenant, |number: &Number| {
            // One telling names a number, the other a user id and a profile.
            let ada = Customer::fresh().with_username("ada").with_parent("US.ENT.7");
            let by_number = Customer { name: None, username: None, ..ada.without_bsuid() };
            let by_user_id = ada.without_phone();
            let id = crate::kit::meta::fresh_wamid();
            let told = |customer: &Customer| with_id(customer.text(10, "Hello"), &id);
            let deliveries = vec![
                inbound(number, first, &by_number, &told(&by_number)),
                inbound(number, second, &by_user_id, &told(&by_user_id)),
                number.received(&by_user_id, &[by_user_id.text(20, "Later")]),
            ];
            Scenario::new(deliveries, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
        })
        .await;
        let case = format!("{first:?}, {second:?}: {result:#}");
        let is_live = [first, second].contains(&Field::Present);
        let is_past = ![Field::Present, Field::Standby].iter().any(|field| [first, second].contains(field));
        let conversations = result["conversations"].as_array().unwrap();
        assert_eq!(conversations.len(), if is_past { 2 } else { 1 }, "{case}");
        assert_eq!(conversations[0]["unread_count"], if is_live { 2 } else { 1 }, "{case}");
        assert_eq!(result["messages_of_contact"].as_array().unwrap().len(), 2, "{case}");
        let message = &result["messages_of_contact"][1];
        let origin = if is_live {
            "live"
        } else if is_past {
            "history"
        } else {
            "standby"
        };
        assert_eq!((&message["origin"], &message["text"]), (&json!(origin), &json!("Hello")), "{case}");
        let contact = &result["contact"];
        assert_eq!(contact["display_name"], "Ada Lovelace", "{case}");
        assert_eq!(contact["identities"].as_array().unwrap().len(), 4, "{case}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tellings_of_a_message_of_the_business_commute() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    for [first, second] in pairs() {
        let result = result_in_any_order(&app, &tenant, |number: &Number| {
            let ada = Customer::fresh();
            let (by_number, by_user_id) = (ada.without_bsuid(), ada.without_phone());
            let id = crate::kit::meta::fresh_wamid();
            let told = |customer: &Customer| with_id(customer.echo(10, "text", json!({"body": "Hello"})), &id);
            let deliveries = vec![
                outbound(number, first, &by_number, &told(&by_number)),
                outbound(number, second, &by_user_id, &told(&by_user_id)),
                number.statuses(&[by_user_id.status(20, &id, "delivered")]),
            ];
            Scenario::new(deliveries, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
        })
        .await;
        let case = format!("{first:?}, {second:?}: {result:#}");
        assert_eq!(result["conversations"].as_array().unwrap().len(), 1, "{case}");
        assert_eq!(result["conversations"][0]["unread_count"], 0, "{case}");
        let status = if [first, second].contains(&Field::HistoryThread) { "read" } else { "delivered" };
        assert_eq!(result["messages_of_contact"][0]["delivery_status"], status, "{case}");
        assert_eq!(result["contact"]["identities"].as_array().unwrap().len(), 2, "{case}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_told_by_history_first_counts_when_it_is_live() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (old, new) = (ada.text(10, "Old"), ada.text(20, "New"));
    app.process(&number.history(&[(&ada.without_bsuid(), &[old, new.clone()])])).await;
    let past = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!((past.status.as_str(), past.unread_count, past.last_message_preview.as_str()), ("closed", 0, "New"));
    for _ in 0..2 {
        app.process(&number.received(&ada, std::slice::from_ref(&new))).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let open = tenant.open_conversation_with(&contact).await;
    assert_eq!((open.unread_count, open.last_message_preview.as_str()), (1, "New"));
    assert_eq!(open.window_end(), time(20 + 24 * 3_600));
    assert_eq!(open.previous_conversation_id.as_deref(), Some(past.id.as_str()));
    let past = tenant.client.reload(&past).await;
    assert_eq!((past.last_message_preview.as_str(), past.closed_reason.as_deref()), ("Old", Some("imported")));
    let message = tenant.message(&open, wamid(&new)).await;
    assert_eq!(message.origin, "live");
    let today: Value = tenant.client.read("/billing/usage").await;
    assert_eq!((&today["total"]["inbound_messages"], &today["total"]["active_contacts"]), (&json!(1), &json!(1)));
    assert_eq!(tenant.interactions(&contact).await.len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_contact_are_read_across_conversations() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let second = number.sibling();
    let other = tenant.connect_number(&second).await;
    let ada = Customer::fresh();
    app.process(&number.received(&ada, &[ada.text(30, "Now")])).await;
    app.process(&number.history(&[(&ada, &[ada.text(10, "Long ago"), ada.text(10, "Long ago, too")])])).await;
    app.process(&second.received(&ada, &[ada.text(25, "To the other number")])).await;
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let texts = ["Now", "To the other number", "Long ago, too", "Long ago"];
    assert_eq!(column(&tenant.messages_with(&contact, "").await, |it| it.text.as_str()), texts);
    let of_other = tenant.messages_with(&contact, &format!("&account={}", other.id)).await;
    assert_eq!(column(&of_other, |it| it.text.as_str()), ["To the other number"]);
    let first: crate::kit::api::Page<crate::kit::api::Message> =
        tenant.client.read(&format!("{}/messages?limit=3", contact.path())).await;
    let rest = tenant.messages_with(&contact, &format!("&cursor={}", first.cursor())).await;
    assert_eq!(column(&rest, |it| it.text.as_str()), ["Long ago"]);

    // Closed by a user, and followed by another.
    let listed: Vec<Conversation> = tenant.conversations_with(&contact).await;
    let now = listed.iter().find(|it| it.last_message_preview == "Now").unwrap();
    let now = tenant.client.change(now, json!({"status": "closed"})).await;
    assert_eq!(now.closed_reason, None);
    app.process(&number.received(&ada, &[ada.text(40, "Again")])).await;
    let again = tenant.conversations_with(&contact).await.remove(0);
    assert_eq!((again.last_message_preview.as_str(), again.status.as_str()), ("Again", "open"));
    let before: Conversation = tenant.client.read(&again.previous_path()).await;
    assert_eq!(before.id, now.id);
    let past: Conversation = tenant.client.read(&before.previous_path()).await;
    assert_eq!((past.closed_reason.as_deref(), past.previous_conversation_id), (Some("imported"), None));

    // Opened by a user, it is a conversation like others.
    tenant.client.change(&again, json!({"status": "closed"})).await;
    let past: Conversation = tenant.client.read(&before.previous_path()).await;
    let past = tenant.client.change(&past, json!({"status": "open"})).await;
    assert_eq!(past.closed_reason, None);
    app.process(&number.received(&ada, &[ada.text(50, "In the past")])).await;
    assert_eq!(tenant.client.reload(&past).await.last_message_preview, "In the past");
    let wrong = format!("{}/messages?status=open", contact.path());
    tenant.client.get(&wrong).await.problem(400, "invalid_query");
    app.finish().await;
}

/// What the API shows of a contact.
async fn shown(tenant: &TestTenant, contact: &Contact) -> Value {
    let history: Vec<Value> = tenant.client.list(&format!("{}/interactions?limit=100", contact.path())).await;
    let mut conversations: Vec<Value> = tenant.client.list("/crm/conversations?limit=100").await;
    let mut threads = Vec::new();
    for conversation in &mut conversations {
        let path = format!("/crm/conversations/{}/messages?limit=100", conversation["id"].as_str().unwrap());
        let mut thread: Vec<Value> = tenant.client.list(&path).await;
        for message in &mut thread {
            message["conversation_id"] = json!(null);
        }
        threads.push(thread);
        for id in ["id", "previous_conversation_id"] {
            conversation[id] = json!(conversation[id].is_string());
        }
    }
    json!([history, conversations, threads])
}

#[tokio::test(flavor = "multi_thread")]
async fn past_of_an_earlier_version_is_renewed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for with_live in [true, false] {
        let ada = Customer::fresh();
        let (old, answer) = (ada.text(10, "Old"), ada.echo(20, "text", json!({"body": "Now"})));
        app.process(&number.history(&[(&ada, &[old, ada.text(10, "Old, too")])])).await;
        if with_live {
            let thumb = ada.message(30, "reaction", json!({"message_id": wamid(&answer), "emoji": "👍"}));
            app.process(&number.echoes(std::slice::from_ref(&answer))).await;
            app.process(&number.received(&ada, &[thumb])).await;
            // Within one second.
            for text in ["one", "two", "three"] {
                app.process(&number.received(&ada, &[ada.text(40, text)])).await;
            }
            for emoji in ["👎", ""] {
                let reaction = ada.message(50, "reaction", json!({"message_id": wamid(&answer), "emoji": emoji}));
                app.process(&number.received(&ada, &[reaction])).await;
            }
        }
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        let expected = shown(&tenant, &contact).await;
        // As the version before stored it: all in one conversation.
        app.database
            .execute(
                "UPDATE conversations SET imported = false, status = 'open'
                  WHERE imported AND NOT EXISTS (SELECT FROM conversations o
                                                  WHERE o.contact_id = conversations.contact_id AND o.status = 'open');
                 UPDATE messages m SET conversation_id = o.id FROM conversations c, conversations o
                  WHERE c.id = m.conversation_id AND c.imported AND o.contact_id = c.contact_id AND o.status = 'open';
                 DELETE FROM conversations WHERE imported;
                 UPDATE messages SET arrival = -arrival;
                 UPDATE message_updates SET arrival = -arrival;
                 UPDATE interactions SET arrival = -arrival WHERE message_id IS NOT NULL AND kind <> 'reaction';
                 UPDATE messages SET activity_at = NULL, activity_arrival = NULL, activity = NULL;
                 UPDATE conversations SET activity_at = NULL;
                 UPDATE interactions SET account_id = NULL, wamid = NULL;",
            )
            .await;
        assert_ne!(shown(&tenant, &contact).await, expected);
        let messages = tenant.messages_with(&contact, "").await;
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id.parse().unwrap()).collect();
        for _ in 0..2 {
            for id in &ids {
                let mut tx = app.postgres.tenant(&scope_of(tenant.id.parse().unwrap())).await.unwrap();
                let outcome = PastRepo::renew_past(&mut *tx, std::slice::from_ref(id), &*app.clock).await;
                settle(tx, outcome).await.unwrap();
            }
            assert_eq!(shown(&tenant, &contact).await, expected);
        }
        tenant.client.delete(&contact.path()).await.expect(204);
    }
    app.finish().await;
}
