//! Events in any order lead to the same result (I7: see [`crate::faults`]).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::statuses::permutations;
use crate::kit::api::Conversation;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, joined, system, wamid};
use crate::kit::meta::{Number, fresh_wamid};

/// Deliveries that can arrive in any order, and the ids that differ in each run.
pub(super) struct Scenario {
    deliveries: Vec<Value>,
    names: BTreeMap<String, &'static str>,
    /// An identity of the contact; one is enough, since all lead to the same contact.
    customer: Customer,
}

impl Scenario {
    pub(super) fn new(
        deliveries: Vec<Value>,
        wamids: &[(&str, &'static str)],
        customers: &[(&Customer, [&'static str; 2])],
    ) -> Self {
        let mut names: BTreeMap<String, &'static str> =
            wamids.iter().map(|(wamid, name)| ((*wamid).to_owned(), *name)).collect();
        for (customer, [phone, bsuid]) in customers {
            names.extend(customer.phone.clone().map(|value| (value, *phone)));
            names.extend(customer.bsuid.clone().map(|value| (value, *bsuid)));
        }
        Self { deliveries, names, customer: customers[0].0.clone() }
    }
}

/// A scenario that is sent to a number of its own, in one order.
struct Run<'orders> {
    order: &'orders [usize],
    account_id: String,
    scenario: Scenario,
}

/// Sends each permutation of a scenario to a number of its own: one delivery after another, and again all as one delivery.
/// All results must equal the first.
async fn assert_order_is_irrelevant(scenario: fn(&Number) -> Scenario) {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    result_in_any_order(&app, &tenant, scenario).await;
    app.finish().await;
}

/// The result that all orders of a scenario have.
pub(super) async fn result_in_any_order(
    app: &TestApp,
    tenant: &TestTenant,
    scenario: impl Fn(&Number) -> Scenario,
) -> Value {
    let deliveries = scenario(&Number::fresh()).deliveries.len();
    let orders = permutations(&(0..deliveries).collect::<Vec<_>>());
    let mut runs = Vec::new();
    for order in orders.iter().chain(&orders) {
        let number = Number::fresh();
        let account_id = tenant.connect_number(&number).await.id;
        runs.push(Run { order, account_id, scenario: scenario(&number) });
    }
    let (separate, joint) = runs.split_at(orders.len());
    for step in 0..deliveries {
        let next = separate.iter().map(|run| &run.scenario.deliveries[run.order[step]]);
        for answer in join_all(next.map(|delivery| app.deliver(delivery))).await {
            answer.expect(200);
        }
        app.wait_until_processed().await;
    }
    for Run { order, scenario, .. } in joint {
        app.deliver(&joined(order.iter().map(|index| &scenario.deliveries[*index]))).await.expect(200);
    }
    app.wait_until_processed().await;

    let mut first = None;
    for run in &runs {
        let result = result(tenant, run).await;
        let expected = first.get_or_insert_with(|| result.clone());
        assert_eq!(&result, expected, "order {:?}", run.order);
    }
    first.unwrap()
}

/// All that the API shows of a run, as JSON, without what differs in each run.
async fn result(tenant: &TestTenant, Run { account_id, scenario, .. }: &Run<'_>) -> Value {
    let path = format!("/crm/conversations?account={account_id}&limit=100");
    let conversations: Vec<Conversation> = tenant.client.list(&path).await;
    let contact = format!("/crm/contacts/{}", conversations[0].contact_id);
    assert!(
        conversations.iter().all(|it| it.contact_id == conversations[0].contact_id),
        "{:?}: {conversations:#?}",
        scenario.customer
    );
    let mut messages = Vec::new();
    for conversation in &conversations {
        let path = format!("{}?limit=100&include=payload", conversation.messages_path());
        messages.push(tenant.client.list::<Value>(&path).await);
    }
    let mut interactions: Vec<Value> = tenant.client.list(&format!("{contact}/interactions?limit=100")).await;
    interactions.sort_by_key(|it| ["occurred_at", "kind", "text"].map(|member| it[member].to_string()));
    let result = json!({
        "contact": tenant.client.read::<Value>(&contact).await,
        "interactions": interactions,
        "messages": messages,
        "messages_of_contact": tenant.client.list::<Value>(&format!("{contact}/messages?limit=100&include=payload")).await,
        "conversations": tenant.client.list::<Value>(&path).await,
    });
    let mut result = renamed(&result, &scenario.names);
    // The order of identities is that of their names, which is the same in each run.
    result["contact"]["identities"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    result
}

/// Replaces ids that the test chose by names, and ids that the program chose by a constant.
pub(super) fn renamed(value: &Value, names: &BTreeMap<String, &str>) -> Value {
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
    assert_order_is_irrelevant(|number| {
        let ada = Customer::fresh();
        let message = ada.echo(10, "text", json!({"body": "Tomorow at 9"}));
        let id = wamid(&message).to_owned();
        let edited = ada.echo(40, "edit", edit(&message, "Tomorrow at 9"));
        let reaction = ada.message(50, "reaction", json!({"message_id": id, "emoji": "👍"}));
        let deliveries = vec![
            number.echoes(std::slice::from_ref(&message)),
            number.statuses(&[ada.status(20, &id, "delivered")]),
            number.statuses(&[ada.status(30, &id, "read")]),
            number.echoes(&[edited]),
            number.received(&ada, &[reaction]),
        ];
        Scenario::new(deliveries, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inbound_message_events_commute() {
    assert_order_is_irrelevant(|number| {
        let ada = Customer::fresh();
        let message = ada.text(10, "Tomorow at 9");
        let id = wamid(&message).to_owned();
        let react = |at: i64, emoji: &str| {
            number.echoes(&[ada.echo(at, "reaction", json!({"message_id": id, "emoji": emoji}))])
        };
        let deliveries = vec![
            number.received(&ada, std::slice::from_ref(&message)),
            number.received(&ada, &[ada.message(20, "edit", edit(&message, "Tomorrow at 8"))]),
            number.received(&ada, &[ada.message(30, "edit", edit(&message, "Tomorrow at 9"))]),
            react(40, "👎"),
            react(50, "👍"),
        ];
        Scenario::new(deliveries, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_edit_and_deletion_commute() {
    assert_order_is_irrelevant(|number| {
        let ada = Customer::fresh();
        let message = ada.text(10, "Forget it");
        let id = wamid(&message).to_owned();
        let mut reply = ada.echo(40, "text", json!({"body": "Forgotten"}));
        let reply_id = wamid(&reply).to_owned();
        reply["context"] = json!({"from": ada.phone, "id": id});
        let deliveries = vec![
            number.received(&ada, std::slice::from_ref(&message)),
            number.received(&ada, &[ada.message(20, "edit", edit(&message, "Forget about it"))]),
            number.received(&ada, &[ada.message(30, "revoke", json!({"original_message_id": id}))]),
            number.echoes(&[reply]),
        ];
        Scenario::new(deliveries, &[(&id, "the message"), (&reply_id, "the reply")], &[(&ada, ["phone", "bsuid"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholder_and_content_events_commute() {
    assert_order_is_irrelevant(|number| {
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
        let deliveries = vec![
            number.history(&[(&ada, &[placeholder])]),
            number.change("history", json!({"messages": [content], "contacts": [ada.entry()]})),
            number.received(&ada, &[ada.message(20, "edit", caption)]),
            number.echoes(&[ada.echo(30, "reaction", json!({"message_id": id, "emoji": "👍"}))]),
        ];
        Scenario::new(deliveries, &[(&id, "the message")], &[(&ada, ["phone", "bsuid"])])
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
    assert_order_is_irrelevant(|number| {
        let (old, new) = (Customer::fresh().without_phone(), Customer::fresh().without_phone());
        let deliveries =
            vec![number.received(&new, &[new.text(20, "after")]), number.notices(&[without_number(10, &old, &new)])];
        Scenario::new(deliveries, &[], &[(&new, ["", "new id"]), (&old, ["", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_id_change_between_messages_commutes() {
    assert_order_is_irrelevant(|number| {
        let (old, new) = (Customer::fresh().without_phone(), Customer::fresh().without_phone());
        let deliveries = vec![
            number.received(&old, &[old.text(5, "before")]),
            number.received(&new, &[new.text(20, "after")]),
            number.notices(&[without_number(10, &old, &new)]),
        ];
        Scenario::new(deliveries, &[], &[(&new, ["", "new id"]), (&old, ["", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_change_between_messages_commutes() {
    assert_order_is_irrelevant(|number| {
        let (old, new) = (Customer::fresh(), Customer::fresh());
        let deliveries = vec![
            number.received(&old, &[old.text(5, "before")]),
            number.received(&old.without_bsuid(), &[old.without_bsuid().text(6, "long before")]),
            number.received(&new, &[new.text(20, "after")]),
            number.notices(&[with_number(10, &old, &new)]),
        ];
        Scenario::new(deliveries, &[], &[(&new, ["new phone", "new id"]), (&old, ["old phone", "old id"])])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_user_id_changes_between_messages_commute() {
    assert_order_is_irrelevant(|number| {
        let [first, second, third] = [(); 3].map(|()| Customer::fresh().without_phone());
        let deliveries = vec![
            number.received(&first, &[first.text(5, "first")]),
            number.notices(&[without_number(10, &first, &second)]),
            number.notices(&[without_number(20, &second, &third)]),
            number.received(&third, &[third.text(30, "last")]),
        ];
        Scenario::new(deliveries, &[], &[(&first, ["", "id 1"]), (&second, ["", "id 2"]), (&third, ["", "id 3"])])
    })
    .await;
}
