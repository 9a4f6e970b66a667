//! Events in any order lead to the same result (I7: see [`crate::faults`]).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::statuses::permutations;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, joined, system, wamid};
use crate::kit::meta::{Number, fresh_wamid};

/// Events that can arrive in any order, and the ids that differ in each run.
struct Scenario {
    told: Vec<Value>,
    names: BTreeMap<String, &'static str>,
    /// An identity of the contact; one is enough, since all lead to the same contact.
    customer: Customer,
}

impl Scenario {
    fn new(told: Vec<Value>, wamids: &[(&str, &'static str)], people: &[(&Customer, [&'static str; 2])]) -> Self {
        let mut names: BTreeMap<String, &'static str> =
            wamids.iter().map(|(wamid, name)| ((*wamid).to_owned(), *name)).collect();
        for (customer, [phone, bsuid]) in people {
            names.extend(customer.phone.clone().map(|value| (value, *phone)));
            names.extend(customer.bsuid.clone().map(|value| (value, *bsuid)));
        }
        Self { told, names, customer: people[0].0.clone() }
    }
}

/// Delivers each permutation of a scenario at a number of its own: one event after another, and again as one delivery.
/// All results must equal the first.
async fn all_alike(write: fn(&Number) -> Scenario) {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let orders = permutations(&(0..write(&number).told.len()).collect::<Vec<_>>());
    let mut stories = Vec::new();
    for order in orders.iter().chain(&orders) {
        let number = Number::fresh();
        let account = tenant.connect_number(&number).await;
        stories.push((order, account["id"].clone(), write(&number)));
    }
    let (one_by_one, at_once) = stories.split_at(orders.len());
    for step in 0..orders[0].len() {
        let news = one_by_one.iter().map(|(order, _, story)| &story.told[order[step]]);
        futures_util::future::join_all(news.map(|delivery| app.deliver(delivery)))
            .await
            .iter()
            .for_each(|a| a.expect(200));
        app.wait_until_processed().await;
    }
    for (order, _, story) in at_once {
        app.deliver(&joined(order.iter().map(|index| &story.told[*index]))).await.expect(200);
    }
    app.wait_until_processed().await;

    let mut first = None;
    for (order, account, story) in &stories {
        let picture = picture(&tenant, account, story).await;
        let expected = first.get_or_insert_with(|| picture.clone());
        assert_eq!(&picture, expected, "order {order:?}");
    }
    app.finish().await;
}

/// All that the API shows of a scenario, without what differs in each run.
async fn picture(tenant: &TestTenant, account: &Value, story: &Scenario) -> Value {
    let path = format!("/crm/conversations?account={}&limit=100", account.as_str().unwrap());
    let conversations = tenant.client.get(&path).await.json(200)["data"].as_array().unwrap().clone();
    assert_eq!(conversations.len(), 1, "{:?}: {conversations:#?}", story.customer);
    let contact = tenant.contact(&conversations[0]["contact_id"]).await;
    let mut interactions = tenant.interactions(&contact).await;
    interactions.sort_by_key(|it| (it["occurred_at"].to_string(), it["kind"].to_string(), it["text"].to_string()));
    let mut contact = contact;
    contact["identities"].as_array_mut().unwrap().sort_by_key(|identity| identity["kind"].to_string());
    let picture = json!({
        "contact": contact,
        "interactions": interactions,
        "messages": tenant.messages(&conversations[0]).await,
        "conversation": conversations[0],
    });
    let mut picture = renamed(&picture, &story.names);
    // Two identities of one kind sort by their names.
    picture["contact"]["identities"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    picture
}

/// Replaces ids that the test chose by names, and ids that the program chose by a constant.
fn renamed(value: &Value, names: &BTreeMap<String, &'static str>) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "created_at"));
            let kept = kept.map(|(key, value)| {
                let value = if key.ends_with("_id") && value.as_str().is_some_and(|id| id.len() == 36) {
                    json!("an id")
                } else {
                    renamed(value, names)
                };
                (key.clone(), value)
            });
            kept.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, names)).collect(),
        Value::String(text) => match names.get(text) {
            Some(name) => json!(name),
            None if text.starts_with("wamid.") => json!("a wamid"),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

fn edit(original: &Value, body: &str) -> Value {
    json!({"original_message_id": wamid(original), "message": {"type": "text", "text": {"body": body}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn outbound_message_events_commute() {
    all_alike(|number| {
        let ada = Customer::fresh();
        let message = ada.echo(10, "text", json!({"body": "Tomorow at 9"}));
        let id = wamid(&message).to_owned();
        let edited = ada.echo(40, "edit", edit(&message, "Tomorrow at 9"));
        let reaction = ada.message(50, "reaction", json!({"message_id": id, "emoji": "👍"}));
        let told = vec![
            number.echoes(std::slice::from_ref(&message)),
            number.statuses(&[ada.status(20, &id, "delivered")]),
            number.statuses(&[ada.status(30, &id, "read")]),
            number.echoes(&[edited]),
            number.received(&ada, &[reaction]),
        ];
        Scenario::new(told, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inbound_message_events_commute() {
    all_alike(|number| {
        let ada = Customer::fresh();
        let message = ada.text(10, "Tomorow at 9");
        let id = wamid(&message).to_owned();
        let react = |at: i64, emoji: &str| {
            number.echoes(&[ada.echo(at, "reaction", json!({"message_id": id, "emoji": emoji}))])
        };
        let told = vec![
            number.received(&ada, std::slice::from_ref(&message)),
            number.received(&ada, &[ada.message(20, "edit", edit(&message, "Tomorrow at 8"))]),
            number.received(&ada, &[ada.message(30, "edit", edit(&message, "Tomorrow at 9"))]),
            react(40, "👎"),
            react(50, "👍"),
        ];
        Scenario::new(told, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_edit_and_deletion_commute() {
    all_alike(|number| {
        let ada = Customer::fresh();
        let message = ada.text(10, "Forget it");
        let id = wamid(&message).to_owned();
        let mut reply = ada.echo(40, "text", json!({"body": "Forgotten"}));
        let reply_id = wamid(&reply).to_owned();
        reply["context"] = json!({"from": ada.phone, "id": id});
        let told = vec![
            number.received(&ada, std::slice::from_ref(&message)),
            number.received(&ada, &[ada.message(20, "edit", edit(&message, "Forget about it"))]),
            number.received(&ada, &[ada.message(30, "revoke", json!({"original_message_id": id}))]),
            number.echoes(&[reply]),
        ];
        Scenario::new(told, &[(&id, "the message"), (&reply_id, "the reply")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholder_and_content_events_commute() {
    all_alike(|number| {
        let ada = Customer::fresh();
        let id = fresh_wamid();
        let mut placeholder = ada.message(10, "media_placeholder", json!({}));
        let mut content = ada.message(10, "image", json!({"id": "7", "mime_type": "image/jpeg", "caption": "Lok"}));
        for message in [&mut placeholder, &mut content] {
            message["id"] = json!(id);
        }
        let caption = json!({
            "original_message_id": id, "message": {"type": "image", "image": {"id": "7", "caption": "Look"}},
        });
        let told = vec![
            number.history(&[(&ada, &[placeholder])]),
            number.change("history", json!({"messages": [content], "contacts": [ada.entry()]})),
            number.received(&ada, &[ada.message(20, "edit", caption)]),
            number.echoes(&[ada.echo(30, "reaction", json!({"message_id": id, "emoji": "👍"}))]),
        ];
        Scenario::new(told, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

fn without_number(at: i64, old: &Customer, new: &Customer) -> Value {
    let body = json!({"type": "user_changed_user_id", "user_id": new.bsuid, "previous_user_id": old.bsuid});
    system(at, None, body)
}

fn with_number(at: i64, old: &Customer, new: &Customer) -> Value {
    let body = json!({
        "type": "user_changed_number", "body": "Ada has another number", "wa_id": new.phone, "user_id": new.bsuid,
        "previous_user_id": old.bsuid,
    });
    system(at, old.phone.as_deref(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn user_id_change_of_unknown_contact_commutes() {
    all_alike(|number| {
        let (old, new) = (Customer::fresh().without_phone(), Customer::fresh().without_phone());
        let told =
            vec![number.received(&new, &[new.text(20, "after")]), number.notices(&[without_number(10, &old, &new)])];
        Scenario::new(told, &[], &[(&new, ["", "new id"]), (&old, ["", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_id_change_between_messages_commutes() {
    all_alike(|number| {
        let (old, new) = (Customer::fresh().without_phone(), Customer::fresh().without_phone());
        let told = vec![
            number.received(&old, &[old.text(5, "before")]),
            number.received(&new, &[new.text(20, "after")]),
            number.notices(&[without_number(10, &old, &new)]),
        ];
        Scenario::new(told, &[], &[(&new, ["", "new id"]), (&old, ["", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_change_between_messages_commutes() {
    all_alike(|number| {
        let (old, new) = (Customer::fresh(), Customer::fresh());
        let told = vec![
            number.received(&old, &[old.text(5, "before")]),
            number.received(&old.without_bsuid(), &[old.without_bsuid().text(6, "long before")]),
            number.received(&new, &[new.text(20, "after")]),
            number.notices(&[with_number(10, &old, &new)]),
        ];
        Scenario::new(told, &[], &[(&new, ["new phone", "new id"]), (&old, ["old phone", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_user_id_changes_between_messages_commute() {
    all_alike(|number| {
        let [first, second, third] = [(); 3].map(|()| Customer::fresh().without_phone());
        let told = vec![
            number.received(&first, &[first.text(5, "first")]),
            number.notices(&[without_number(10, &first, &second)]),
            number.notices(&[without_number(20, &second, &third)]),
            number.received(&third, &[third.text(30, "last")]),
        ];
        Scenario::new(told, &[], &[(&first, ["", "id 1"]), (&second, ["", "id 2"]), (&third, ["", "id 3"])])
    })
    .await;
}
