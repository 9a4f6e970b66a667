//! Deleted contacts stay deleted.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{contact_of, talk_with};
use crate::kit::api::{AuditRecord, Page, Party, Resource as _, WebhookEvent};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, fresh_phone, wamid};
use crate::kit::wait;

/// Tables that hold data of contacts.
const TABLES: [&str; 11] = [
    "contacts",
    "contact_identities",
    "contact_merges",
    "conversations",
    "messages",
    "message_updates",
    "interactions",
    "service_windows",
    "identity_sightings",
    "identity_changes",
    "identity_change_keys",
];

/// The tables in which a tenant has rows.
async fn left(app: &TestApp, tenant: &TestTenant) -> Vec<&'static str> {
    let mut left = Vec::new();
    for table in TABLES {
        let rows = app.database.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{}'", tenant.id)).await;
        left.extend((rows > 0).then_some(table));
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_contact_leaves_only_audit_record() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh().with_username("ada"), Customer::fresh());
    let ours = ada.echo(3, "text", json!({"body": "from us"}));
    let reaction = ada.message(4, "reaction", json!({"message_id": wamid(&ours), "emoji": "👍"}));
    for delivery in [
        number.received(&ada, &[ada.text(1, "one"), ada.text(2, "two")]),
        number.received(&grace, &[grace.text(2, "I am the same")]),
        number.echoes(std::slice::from_ref(&ours)),
        number.received(&ada, &[reaction]),
        number.statuses(&[ada.status(5, wamid(&ours), "delivered")]),
    ] {
        app.process(&delivery).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let other = tenant.contact_by_identity("bsuid", grace.bsuid()).await;
    let merge = format!("{}/merge", contact.path());
    tenant.client.post(&merge, &json!({"contact_id": other.id})).await.json(200);
    tenant.client.post(&format!("{}/interactions", contact.path()), &json!({"text": "a note"})).await.json(201);

    let viewer = app.user(&tenant, Some("viewer")).await;
    viewer.client.delete(&contact.path()).await.problem(403, "insufficient_scope");
    let stranger = app.tenant().await;
    stranger.client.delete(&contact.path()).await.problem(404, "not_found");
    assert!(left(&app, &tenant).await.len() >= 8, "the contact has data in each table");

    // Deletes by the id of the merged contact.
    tenant.client.delete(&other.path()).await.expect(204);
    assert_eq!(left(&app, &tenant).await, [""; 0]);
    for gone in [&contact, &other] {
        tenant.client.get(&gone.path()).await.problem(404, "not_found");
        tenant.client.delete(&gone.path()).await.problem(404, "not_found");
    }
    let log = tenant.client.get("/audit-log").await;
    let records = log.body::<Page<AuditRecord>>(200).data;
    let of = |action: &str| records.iter().find(|record| record.action == action).unwrap();
    let (deleted, merged) = (of("contact.deleted"), of("contact.merged"));
    assert_eq!(deleted.target, Some(Party::new("contact", &contact.id)));
    assert_eq!(deleted.changes, json!({"conversations": 1, "messages": 4}));
    assert_eq!((merged.target_id(), &merged.changes["merged"]), (contact.id.as_str(), &json!(other.id)));
    assert!(!log.text.contains(ada.phone()), "the audit log has no personal data");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_older_than_deletion_are_ignored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let first = ada.text(1, "before");
    app.process(&number.received(&ada, std::slice::from_ref(&first))).await;
    let deleted = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    tenant.client.delete(&deleted.path()).await.expect(204);

    // Deliveries from before the deletion: one that was queued, a duplicate, and the number's history.
    for shown in [ada.clone(), ada.without_phone(), ada.without_bsuid()] {
        app.process(&number.received(&shown, &[shown.text(2, "was waiting")])).await;
    }
    let preference = json!({
        "wa_id": ada.phone, "user_id": ada.bsuid, "category": "marketing_messages", "value": "stop",
        "timestamp": crate::kit::meta::second(3),
    });
    app.process(&number.change("user_preferences", json!({"user_preferences": [preference]}))).await;
    app.process(&number.history(&[(&ada, std::slice::from_ref(&first))])).await;
    app.process(&number.statuses(&[ada.status(3, wamid(&first), "read")])).await;
    // A replay does not restore it either.
    let event = tenant.client.all::<WebhookEvent>().await.pop().unwrap();
    app.execute_for(&tenant, &format!("UPDATE webhook_events SET status = 'dead_letter' WHERE id = '{}'", event.id))
        .await;
    let reason = json!({"reason": "test whether it is restored"});
    tenant.client.post(&format!("{}/replay", event.path()), &reason).await.expect(202);
    app.wait_until_processed().await;
    assert_eq!(tenant.contacts().await, []);
    assert_eq!(tenant.conversations().await, []);
    assert_eq!(app.events("attempts > 0 OR status <> 'processed'").await, 0);

    // A later message creates a new contact.
    app.process(&number.received(&ada, &[ada.text(7_200, "after")])).await;
    let again = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    assert_ne!(again.id, deleted.id);
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_deleted_contact_can_be_used_again() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let number = other.connect().await;
    let ada = Customer::with_phone(&fresh_phone());
    let contact = contact_of(&tenant, "Ada", ada.phone()).await;
    tenant.client.delete(&contact.path()).await.expect(204);
    contact_of(&tenant, "Ada", ada.phone()).await;
    app.process(&number.received(&ada, &[ada.text(1, "hello")])).await;
    assert_eq!(other.contacts().await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deletions_and_deliveries_do_not_deadlock() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let people: [Customer; 5] = std::array::from_fn(|_| Customer::fresh());
    let sent = talk_with(&app, &number, &people).await;
    let contacts = tenant.contacts().await;
    // Statuses lock the message and then the contact; messages after the deletion create new contacts.
    let failed = |n: usize| number.statuses(&[people[n].status(3, wamid(&sent[n]), "failed")]);
    let later = |n: usize| number.received(&people[n], &[people[n].text(7_200, "later")]);
    let deliveries: Vec<Value> = (0..people.len()).flat_map(|n| [failed(n), later(n)]).collect();
    let deliver = join_all(deliveries.iter().map(|delivery| app.deliver(delivery)));
    let delete = join_all(contacts.iter().map(|contact| async { tenant.client.delete(&contact.path()).await }));
    let (delivered, deleted) = tokio::join!(deliver, delete);
    for answer in &delivered {
        answer.expect(200);
    }
    for answer in &deleted {
        answer.expect(204);
    }
    wait::until("all events to be processed", async || {
        app.clock.advance(TimeDelta::milliseconds(500));
        (app.database.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
    assert_eq!(app.events("status <> 'processed'").await, 0);
    for contact in &contacts {
        tenant.client.get(&contact.path()).await.problem(404, "not_found");
    }
    app.finish().await;
}
