//! Delivery statuses of outbound messages.

use serde_json::{Value, json};

use super::kinds;
use crate::kit::api::column;
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_bsuid, fresh_phone, joined, wamid};
use crate::kit::meta::{Number, fresh_wamid, time};

/// Delivers the first event of each row, then the second of each, and so on.
async fn deliver_in_step(app: &TestApp, rows: &[Vec<Value>]) {
    for step in 0..rows.iter().map(Vec::len).max().unwrap_or_default() {
        let step: Vec<&Value> = rows.iter().filter_map(|row| row.get(step)).collect();
        app.process(&joined(step)).await;
    }
}

/// The time that WhatsApp reports for a status.
fn at(status: &str) -> i64 {
    match status {
        "sent" => 11,
        "failed" => 12,
        "delivered" => 13,
        "read" => 14,
        "played" => 15,
        _ => 16,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_in_any_order_never_regress() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let mut rows: Vec<(Vec<&str>, &str)> = vec![
        (vec![], "sent"),
        (vec!["sent"], "sent"),
        (vec!["delivered"], "delivered"),
        (vec!["read"], "read"),
        (vec!["played"], "played"),
        (vec!["failed"], "failed"),
        (vec!["read", "delivered"], "read"),
        (vec!["delivered", "sent"], "delivered"),
        (vec!["delivered", "read", "delivered"], "read"),
        (vec!["failed", "sent"], "failed"),
        (vec!["sent", "failed"], "failed"),
        (vec!["failed", "delivered"], "delivered"),
        (vec!["delivered", "failed"], "delivered"),
        (vec!["read", "failed"], "read"),
        (vec!["played", "failed"], "played"),
        (vec!["sent", "deleted"], "sent"),
        (vec!["delivered", "warning"], "delivered"),
        (vec!["hologram", "read"], "read"),
    ];
    rows.extend(permutations(&["sent", "delivered", "read", "played"]).into_iter().map(|row| (row, "played")));
    rows.extend(permutations(&["sent", "failed", "delivered"]).into_iter().map(|row| (row, "delivered")));

    // Each row twice: with the message before and after its statuses.
    let mut expected = Vec::new();
    let mut deliveries = Vec::new();
    for (statuses, state) in &rows {
        for is_first in [true, false] {
            let message = ada.echo(10, "text", json!({"body": format!("{statuses:?}")}));
            let id = wamid(&message).to_owned();
            let mut row: Vec<Value> =
                statuses.iter().map(|status| number.statuses(&[ada.status(at(status), &id, status)])).collect();
            row.insert(if is_first { 0 } else { row.len() }, number.echoes(&[message]));
            deliveries.push(row);
            expected.push((id, statuses, state));
        }
    }
    deliver_in_step(&app, &deliveries).await;

    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let messages = tenant.all_messages(&conversation).await;
    assert_eq!(messages.len(), expected.len());
    for (id, statuses, state) in expected {
        let message = messages.iter().find(|message| message.wamid.as_deref() == Some(id.as_str())).unwrap();
        assert_eq!(message.delivery_status.as_deref(), Some(*state), "{statuses:?}");
        // All statuses are kept, in the order of their times.
        let mut steps: Vec<&str> = statuses.clone();
        steps.sort_by_key(|status| at(status));
        steps.dedup();
        assert_eq!(column(&message.delivery_steps, |it| &it.status), steps, "{statuses:?}");
        let times: Vec<String> = steps.iter().map(|status| time(at(status))).collect();
        assert_eq!(column(&message.delivery_steps, |it| it.occurred_at.as_str()), times, "{statuses:?}");
    }
    assert_eq!((conversation.unread_count, conversation.service_window_ends_at.as_deref()), (0, None));
    app.finish().await;
}

pub(super) fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(index);
        for mut tail in permutations(&rest) {
            tail.insert(0, item.clone());
            all.push(tail);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_history_message_can_be_sent_or_fail() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    for (status, expected) in
        [(None, "pending"), (Some("sent"), "sent"), (Some("failed"), "failed"), (Some("read"), "read")]
    {
        let mut message = ada.echo(10, "text", json!({"body": "queued"}));
        message["history_context"] = json!({"status": "PENDING"});
        app.process(&number.history(&[(&ada, &[message.clone()])])).await;
        if let Some(status) = status {
            app.process(&number.statuses(&[ada.status(11, wamid(&message), status)])).await;
        }
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        assert_eq!(tenant.message(&conversation, wamid(&message)).await.delivery_status.as_deref(), Some(expected));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batched_and_repeated_statuses_equal_single_ones() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let message = ada.echo(10, "audio", json!({"id": "1", "voice": true}));
    let names = ["played", "sent", "read", "delivered"];
    let statuses = names.map(|name| ada.status(at(name), wamid(&message), name));
    for _ in 0..2 {
        app.process(&joined([&number.statuses(&statuses), &number.echoes(std::slice::from_ref(&message))])).await;
        // Grouped in another way, the statuses are the same.
        app.process(&number.statuses(&statuses[1..3])).await;
    }
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let stored = tenant.messages(&conversation).await.remove(0);
    assert_eq!(stored.delivery_status.as_deref(), Some("played"));
    let steps = &stored.delivery_steps;
    assert_eq!(column(steps, |it| &it.status), ["sent", "delivered", "read", "played"]);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events").await, 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_reason_and_price_are_stored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let message = ada.echo(10, "text", json!({"body": "an offer"}));
    let errors = json!([{
        "code": 131_047, "title": "Re-engagement message", "message": "Re-engagement message",
        "error_data": {"details": "More than 24 hours have passed"}, "href": "https://developers.facebook.com/docs/",
    }]);
    let pricing = json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing"});
    // The shape of a failure for a number: no user id, no contacts.
    let mut failed = ada.without_bsuid().status(12, wamid(&message), "failed");
    failed["errors"] = errors.clone();
    let mut sent = ada.status(11, wamid(&message), "sent");
    sent["pricing"] = pricing.clone();
    for delivery in
        [number.statuses(&[failed]), number.echoes(std::slice::from_ref(&message)), number.statuses(&[sent])]
    {
        app.process(&delivery).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let stored = tenant.message(&conversation, wamid(&message)).await;
    assert_eq!(stored.delivery_status.as_deref(), Some("failed"));
    let steps = &stored.delivery_steps;
    assert_eq!(column(steps, |it| it.errors.as_ref()), [None, Some(&errors)]);
    assert_eq!(column(steps, |it| it.pricing.as_ref()), [Some(&pricing), None]);

    let interactions = tenant.interactions(&contact).await;
    assert_eq!(kinds(&interactions), ["delivery_failed", "outbound_message"], "recorded once");
    assert_eq!(interactions[0].message_id.as_ref(), Some(&stored.id));
    assert_eq!(interactions[0].occurred_at, time(12));

    // It was delivered to another device: both facts are kept.
    app.process(&number.statuses(&[ada.status(13, wamid(&message), "delivered")])).await;
    assert_eq!(tenant.message(&conversation, wamid(&message)).await.delivery_status.as_deref(), Some("delivered"));
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["delivery_failed", "outbound_message"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_of_unknown_messages_create_nothing() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    for name in ["sent", "delivered", "read", "played", "failed", "deleted", "hologram"] {
        app.process(&number.statuses(&[ada.status(1, &fresh_wamid(), name)])).await;
    }
    let mut with_contacts = number.statuses(&[ada.status(1, &fresh_wamid(), "read")]);
    with_contacts["entry"][0]["changes"][0]["value"]["contacts"] = json!([ada.entry()]);
    app.process(&with_contacts).await;
    assert_eq!((tenant.contacts().await, tenant.conversations().await), (vec![], vec![]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_of_inbound_messages_change_nothing() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let message = ada.text(1, "hello");
    app.process(&number.received(&ada, std::slice::from_ref(&message))).await;
    app.process(&number.statuses(&[ada.status(2, wamid(&message), "read")])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(tenant.messages(&conversation).await[0].delivery_status, None);
    assert_eq!(conversation.unread_count, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_status_shapes_are_equivalent() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (phone, bsuid) = (fresh_phone(), fresh_bsuid());
    let ada = Customer::new(&phone, &bsuid);
    let conversation = json!({"id": "c", "expiration_timestamp": "1790000000", "origin": {"type": "service"}});
    let more = [
        ("a number, and a conversation", json!({"recipient_id": phone, "conversation": conversation})),
        ("a number that is none", json!({"recipient_id": 4_915_112_345_678_i64, "conversation": {"origin": 7}})),
        ("both", json!({"recipient_id": phone, "recipient_user_id": bsuid})),
        ("a user id", json!({"recipient_user_id": bsuid, "biz_opaque_callback_data": "ours"})),
        ("a parent", json!({"recipient_user_id": bsuid, "recipient_parent_user_id": "US.ENT.1"})),
        ("a parent as it was called", json!({"recipient_user_id": bsuid, "parent_user_id": "US.ENT.1"})),
        ("a parent as it was called, too", json!({"recipient_user_id": bsuid, "parent_recipient_user_id": "US.ENT.1"})),
        ("no recipient", json!({})),
        ("an empty number", json!({"recipient_id": ""})),
        ("a key hash", json!({"recipient_id": phone, "recipient_identity_key_hash": "x="})),
    ];
    for (shape, more) in more {
        let message = ada.echo(10, "text", json!({"body": shape}));
        let mut status = Customer::default().status(13, wamid(&message), "delivered");
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        // A time may be a JSON number.
        status["timestamp"] = json!(status["timestamp"].as_str().unwrap().parse::<i64>().unwrap());
        app.process(&joined([&number.echoes(std::slice::from_ref(&message)), &number.statuses(&[status])])).await;
        let conversation = tenant.conversation_by_identity("bsuid", &bsuid).await;
        let stored = tenant.message(&conversation, wamid(&message)).await;
        assert_eq!(stored.delivery_status.as_deref(), Some("delivered"), "{shape}");
        assert_eq!(column(&stored.delivery_steps, |it| it.occurred_at.as_str()), [time(13)], "{shape}");
    }
    assert_eq!(tenant.contacts().await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_statuses_are_kept_per_recipient() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number: Number = tenant.connect().await;
    let ada = Customer::fresh();
    let message = ada.echo(10, "text", json!({"body": "to the group"}));
    let participants = [
        ("recipient_participant_user_id", "US.1"),
        ("recipient_participant_id", "15550101"),
        ("participant_recipient_id", "15550102"),
    ];
    let of = |at: i64, name: &str, (key, who): (&str, &str)| {
        let mut status = Customer::default().status(at, wamid(&message), name);
        status["recipient_type"] = json!("group");
        status["recipient_id"] = json!("120363041234567890");
        status[key] = json!(who);
        status
    };
    let delivered = [
        of(11, "delivered", participants[0]),
        of(12, "delivered", participants[1]),
        of(13, "delivered", participants[2]),
    ];
    app.process(&number.statuses(&delivered)).await;
    app.process(&number.echoes(std::slice::from_ref(&message))).await;
    app.process(&number.statuses(&[of(14, "read", participants[1]), delivered[0].clone()])).await;

    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let stored = tenant.messages(&conversation).await.remove(0);
    assert_eq!(stored.delivery_status.as_deref(), Some("read"));
    let steps = &stored.delivery_steps;
    assert_eq!(column(steps, |it| &it.status), ["delivered", "delivered", "delivered", "read"]);
    assert_eq!(column(steps, |it| it.participant.as_deref().unwrap()), ["US.1", "15550101", "15550102", "15550101"]);
    assert_eq!(tenant.contacts().await.len(), 1, "a group is not a contact");
    app.finish().await;
}
