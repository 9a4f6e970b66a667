//! What statuses say beyond the state: the failure reason and the recipient.

use serde_json::{Value, json};

use super::kinds;
use crate::kit::api::column;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, joined, wamid};
use crate::kit::meta::Number;

use super::statuses::permutations;

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_reason_is_shown() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let full = |code: i64| {
        json!({"code": code, "title": "Title", "message": "Title", "error_data": {"details": "Details"},
               "href": "https://developers.facebook.com/docs/"})
    };
    let rows = [
        ("the window is closed", json!([full(131_047)])),
        ("limit of marketing messages", json!([full(131_049)])),
        ("the customer wants none", json!([full(131_050)])),
        ("undeliverable", json!([full(131_026)])),
        ("part of an experiment", json!([full(130_472)])),
        ("no user id allowed", json!([full(131_062)])),
        ("too many at once", json!([full(130_429)])),
        ("too many to one", json!([full(131_056)])),
        ("as before version 16", json!([{"code": 131_026, "title": "Title", "details": "Details"}])),
        ("two reasons", json!([full(131_026), full(131_047)])),
        ("no reason", Value::Null),
    ];
    let mut deliveries = Vec::new();
    for (_, errors) in &rows {
        let message = ada.echo(10, "text", json!({"body": "Offer"}));
        let mut failed = ada.without_bsuid().status(20, wamid(&message), "failed");
        if !errors.is_null() {
            failed["errors"] = errors.clone();
        }
        deliveries
            .push((wamid(&message).to_owned(), joined([&number.echoes(&[message]), &number.statuses(&[failed])])));
    }
    app.process(&joined(deliveries.iter().map(|(_, delivery)| delivery))).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    for ((name, errors), (id, _)) in rows.iter().zip(&deliveries) {
        let stored = tenant.message(&conversation, id).await;
        assert_eq!(stored.delivery_status.as_deref(), Some("failed"), "{name}");
        assert_eq!(stored.delivery_steps[0].errors.clone().unwrap_or_default(), *errors, "{name}");
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(kinds(&interactions).iter().filter(|kind| **kind == "delivery_failed").count(), rows.len());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_ignore_case_and_skip_inbound_messages() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (ours, theirs) = (ada.echo(10, "text", json!({"body": "Hi"})), ada.text(11, "Hello"));
    // A reaction of the business gets the status `sent` only and is no message.
    let reaction = ada.echo(12, "reaction", json!({"message_id": wamid(&theirs), "emoji": "👍"}));
    app.process(&joined([
        &number.echoes(&[ours.clone(), reaction.clone()]),
        &number.received(&ada, std::slice::from_ref(&theirs)),
    ]))
    .await;
    let statuses = [
        ada.status(20, wamid(&ours), "DELIVERED"),
        ada.status(20, wamid(&theirs), "failed"),
        ada.status(20, wamid(&reaction), "sent"),
    ];
    app.process(&number.statuses(&statuses)).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let messages = tenant.messages(&conversation).await;
    assert_eq!(column(&messages, |it| it.delivery_status.as_deref()), [None, Some("delivered")]);
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["reaction", "inbound_message", "outbound_message"]);
    app.finish().await;
}

/// A message to a number, its status with the user id, and a reply without the number.
fn parcel_deliveries(number: &Number, ada: &Customer) -> [Value; 3] {
    let shown = ada.without_bsuid();
    let message = Customer { name: None, ..shown }.echo(10, "text", json!({"body": "Your parcel is here"}));
    let status = ada.status(20, wamid(&message), "delivered");
    let hidden = ada.without_phone();
    [
        number.echoes(std::slice::from_ref(&message)),
        number.statuses(&[status]),
        number.received(&hidden, &[hidden.text(30, "Thank you")]),
    ]
}

async fn is_one(tenant: &TestTenant, ada: &Customer, order: &str) {
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let both = vec![format!("bsuid {}", ada.bsuid()), format!("phone {}", ada.phone())];
    assert_eq!(contact.identity_lines(), (both, vec![]), "{order}");
    assert_eq!((contact.needs_review, contact.display_name.as_str()), (false, "Ada Lovelace"), "{order}");
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    let messages = tenant.messages(&conversation).await;
    assert_eq!(column(&messages, |it| &it.text), ["Thank you", "Your parcel is here"], "{order}");
    assert_eq!(messages[1].delivery_status.as_deref(), Some("delivered"), "{order}");
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["inbound_message", "outbound_message"], "{order}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_without_number_joins_recipient_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let orders = permutations(&[0, 1, 2]);
    let mut people = Vec::new();
    for order in &orders {
        let ada = Customer::fresh();
        let deliveries = parcel_deliveries(&number, &ada);
        for index in order {
            app.process(&deliveries[*index]).await;
        }
        people.push((ada, format!("{order:?} one by one")));
        let ada = Customer::fresh();
        let deliveries = parcel_deliveries(&number, &ada);
        app.process(&joined(order.iter().map(|index| &deliveries[*index]))).await;
        people.push((ada, format!("{order:?} at once")));
    }
    for (ada, order) in &people {
        is_one(&tenant, ada, order).await;
    }
    assert_eq!(tenant.contacts().await.len(), people.len());
    assert_eq!(app.database.count("SELECT count(*) FROM identity_sightings").await, 0, "nothing is left to learn");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_beside_status_are_updated() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh().with_parent("US.ENT.7").with_username("@ada.l");
    let shown = Customer { name: None, ..ada.without_bsuid() };
    let message = Customer { username: None, ..shown }.echo(10, "text", json!({"body": "Hi"}));
    app.process(&number.echoes(std::slice::from_ref(&message))).await;
    let mut delivery = number.statuses(&[ada.status(20, wamid(&message), "read")]);
    delivery["entry"][0]["changes"][0]["value"]["contacts"] = json!([ada.entry()]);
    app.process(&delivery).await;
    let contact = tenant.contact_by_identity("phone", ada.phone()).await;
    let mut all = vec![
        format!("bsuid {}", ada.bsuid()),
        "parent_bsuid US.ENT.7".to_owned(),
        format!("phone {}", ada.phone()),
        "username ada.l".to_owned(),
    ];
    all.sort_unstable();
    assert_eq!((contact.identity_lines(), contact.display_name.as_str()), ((all, vec![]), "Ada Lovelace"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unmatched_statuses_are_purged_after_two_weeks() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, unmatched) = (Customer::fresh(), Customer::fresh());
    let known = ada.echo(10, "text", json!({"body": "Hi"}));
    let (late, never) = (ada.text(11, "Late"), ada.text(12, "Never"));
    let statuses = [
        ada.status(20, wamid(&known), "delivered"),
        unmatched.status(20, wamid(&never), "delivered"),
        ada.status(20, wamid(&late), "delivered"),
    ];
    // Two statuses arrive before their messages; one message never arrives.
    app.process(&number.statuses(&statuses)).await;
    app.process(&number.echoes(std::slice::from_ref(&known))).await;
    let left = async || {
        let mut counts = Vec::new();
        for table in ["message_updates", "message_updates WHERE parked", "identity_sightings"] {
            counts.push(app.database.count(&format!("SELECT count(*) FROM {table}")).await);
        }
        counts
    };
    assert_eq!(left().await, [3, 2, 1]);

    // A status is kept while Meta may still send the message.
    app.clock.advance(chrono::TimeDelta::days(14) - chrono::TimeDelta::minutes(1));
    app.process(&number.statuses(&[ada.status(30, wamid(&known), "read")])).await;
    assert_eq!(left().await, [4, 2, 1]);
    app.clock.advance(chrono::TimeDelta::minutes(2));
    app.process(&number.statuses(&[ada.status(30, wamid(&known), "played")])).await;
    // The statuses of the stored message are kept.
    assert_eq!(left().await, [3, 0, 0]);
    app.finish().await;
}
