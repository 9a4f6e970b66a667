//! Merging contacts through the API; `whatsapp::merge` has the other cases.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{contact_of, talk_with};
use crate::kit::api::{AuditRecord, Contact, Party, Resource as _};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_phone, wamid};

#[tokio::test(flavor = "multi_thread")]
async fn merge_with_stale_version_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (stays, goes) =
        (contact_of(&tenant, "Ada", &fresh_phone()).await, contact_of(&tenant, "Grace", &fresh_phone()).await);
    let path = format!("{}/merge", stays.path());
    let changed = tenant.client.change(&goes, json!({"language": "fr"})).await;
    let body =
        |seen: &Contact| json!({"contact_id": goes.id, "version": stays.version, "contact_version": seen.version});
    tenant.client.post(&path, &body(&goes)).await.problem(409, "stale_version");
    assert_eq!(tenant.contacts().await.len(), 2);
    let merged: Contact = tenant.client.post(&path, &body(&changed)).await.body(200);
    assert_eq!((merged.display_name.as_str(), merged.language.as_deref()), ("Ada", Some("fr")));
    let log: Vec<AuditRecord> = tenant.client.list("/audit-log").await;
    let record = log.iter().find(|record| record.action == "contact.merged").unwrap();
    assert_eq!(record.target, Some(Party::new("contact", &stays.id)));
    assert_eq!(record.changes, json!({"merged": goes.id}));
    assert_eq!(
        app.database
            .count(&format!(
                "SELECT count(*) FROM audit_records WHERE tenant_id = '{}' AND action = 'contact.merged'",
                tenant.id
            ))
            .await,
        1
    );
}

/// A status locks its message, then its contact; a merge locks the contacts, then their messages. They must not
/// deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn statuses_during_merge_are_applied() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let people: [Customer; 8] = std::array::from_fn(|_| Customer::fresh());
    let sent = talk_with(&app, &number, &people).await;
    let contacts = tenant.contacts().await;
    let failed = |n: usize| number.statuses(&[people[n].status(3, wamid(&sent[n]), "failed")]);
    let written = |n: usize| number.received(&people[n], &[people[n].text(4, "meanwhile")]);
    let deliveries: Vec<Value> = (0..people.len()).flat_map(|n| [failed(n), written(n)]).collect();
    let deliver = join_all(deliveries.iter().map(|delivery| app.deliver(delivery)));
    let path = format!("{}/merge", contacts[0].path());
    let merge = join_all(contacts[1..].iter().map(|goes| {
        let (client, path, body) = (&tenant.client, &path, json!({"contact_id": goes.id}));
        async move { client.post(path, &body).await }
    }));
    let (delivered, merged) = tokio::join!(deliver, merge);
    for answer in &delivered {
        answer.expect(200);
    }
    for answer in &merged {
        answer.expect(200);
    }
    app.wait_until_processed().await;
    assert_eq!(app.events("attempts > 0 OR status <> 'processed'").await, 0, "no event was retried");

    let conversations = tenant.conversations().await;
    assert_eq!(conversations.len(), 1);
    assert_eq!((conversations[0].unread_count, tenant.messages(&conversations[0]).await.len()), (16, 24));
    let kinds = super::kinds(&tenant, &contacts[0]).await;
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!((count("inbound_message"), count("outbound_message"), count("delivery_failed")), (16, 8, 8));
    assert_eq!(count("contact_merged"), 7);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_with_too_many_attributes_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (stays, goes) =
        (contact_of(&tenant, "Ada", &fresh_phone()).await, contact_of(&tenant, "Grace", &fresh_phone()).await);
    let large = "x".repeat(10_000);
    let stays = tenant.client.change(&stays, json!({"attributes": {"a": large}})).await;
    let goes = tenant.client.change(&goes, json!({"attributes": {"a": 1, "b": large}})).await;
    let path = format!("{}/merge", stays.path());
    tenant.client.post(&path, &json!({"contact_id": goes.id})).await.problem(409, "too_many_attributes");
    assert_eq!(tenant.contacts().await.len(), 2);

    tenant.client.change(&goes, json!({"attributes": {"b": "small"}})).await;
    let merged: Contact = tenant.client.post(&path, &json!({"contact_id": goes.id})).await.body(200);
    assert_eq!(merged.attributes, json!({"a": large, "b": "small"}));
    tenant.client.change(&merged, json!({"attributes": {"c": 1}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_by_events_keeps_too_many_attributes_as_note() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let large = "x".repeat(10_000);
    let older = contact_of(&tenant, "Ada", ada.phone()).await;
    let older = tenant.client.change(&older, json!({"attributes": {"a": large}})).await;
    let without_phone = ada.without_phone();
    app.process(&number.received(&without_phone, &[without_phone.text(1, "Hello")])).await;
    let newer = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    assert_ne!(newer.id, older.id);
    tenant.client.change(&newer, json!({"attributes": {"b": large}})).await;

    app.process(&number.received(&ada, &[ada.text(2, "Hello again")])).await;
    let merged = tenant.contact(&newer.id).await;
    assert_eq!((&merged.id, &merged.attributes), (&older.id, &json!({"a": large})));
    let notes = tenant.interactions(&merged).await.into_iter().filter(|it| it.kind == "note");
    let notes: Vec<String> = notes.map(|note| note.text).collect();
    assert_eq!(notes, [format!(r#"Attributes of a merged contact, which did not fit: {{"b":"{large}"}}"#)]);
    tenant.client.change(&merged, json!({"attributes": {"c": 1}})).await;
    app.finish().await;
}
