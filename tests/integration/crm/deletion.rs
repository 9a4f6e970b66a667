//! Deleted contacts stay deleted.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection as _;
use flows::{Database as _, continue_contact_jobs, settle};
use futures_util::future::join_all;
use kernel::Clock as _;
use serde_json::{Value, json};

use super::{contact_of, talk_with};
use crate::kit::api::{AuditRecord, Page, Party, Resource as _, WebhookEvent};
use crate::kit::app::{Settings, TestApp, TestTenant};
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
    // Nor can it be restored by a replay: the payloads went with the contact.
    let event = tenant.client.all::<WebhookEvent>().await.pop().unwrap();
    app.execute_for(&tenant, &format!("UPDATE webhook_events SET status = 'dead_letter' WHERE id = '{}'", event.id))
        .await;
    let reason = json!({"reason": "test whether it is restored"});
    tenant.client.post(&format!("{}/replay", event.path()), &reason).await.problem(409, "not_replayable");
    app.execute_for(&tenant, &format!("UPDATE webhook_events SET status = 'processed' WHERE id = '{}'", event.id))
        .await;
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

/// Whether any stored text of the tenant has the value: of each table with a column for the tenant.
async fn tables_naming(app: &TestApp, value: &str) -> Vec<String> {
    let named = format!(
        "SELECT coalesce(string_agg(t.name, ','), '') AS finding FROM (
           SELECT c.relname AS name,
                  (xpath('/row/n/text()', query_to_xml(format(
                     'SELECT count(*) AS n FROM %I t WHERE to_jsonb(t)::text LIKE %L', c.relname, '%{value}%'), true, true, '')))[1]::text::int
                  + CASE c.relname WHEN 'webhook_payloads' THEN
                      (SELECT count(*)::int FROM webhook_payloads WHERE position('{value}'::bytea IN body) > 0) ELSE 0 END AS rows
             FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace) t
          WHERE t.rows > 0"
    );
    let found = app.database.text(&named).await;
    found.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_number_comes_back_into_no_table() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let ours = ada.echo(2, "text", json!({"body": "from us"}));
    app.process(&number.received(&ada, &[ada.text(1, "before")])).await;
    app.process(&number.echoes(std::slice::from_ref(&ours))).await;
    // Parked: its message is from another tool.
    let theirs = ada.echo(2, "text", json!({"body": "unseen"}));
    app.process(&number.statuses(&[ada.status(3, wamid(&theirs), "sent")])).await;
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let note = json!({"text": "calls at noon"});
    let path = format!("{}/interactions", contact.path());
    tenant.client.with("idempotency-key", "note").post(&path, &note).await.json(201);
    let dead = "UPDATE webhook_events SET status = 'dead_letter', last_error = 'cannot be decoded'
                 WHERE kind = 'message' AND tenant_id = app.tenant()";
    app.execute_for(&tenant, &dead.replace("app.tenant()", &format!("'{}'", tenant.id))).await;
    assert!(tables_naming(&app, ada.phone()).await.contains(&"message_updates".to_owned()));

    tenant.client.delete(&contact.path()).await.expect(204);
    for value in [ada.phone(), ada.bsuid(), "calls at noon"] {
        assert_eq!(tables_naming(&app, value).await, [""; 0], "{value}");
    }
    tenant.client.with("idempotency-key", "note").post(&path, &note).await.problem(422, "idempotency_key_reused");

    // From before the deletion, and from after it.
    for at in [3, 7_200] {
        app.process(&number.statuses(&[
            ada.status(at, wamid(&ours), "delivered"),
            ada.status(at, wamid(&theirs), "read"),
            ada.without_bsuid().status(at, "wamid.other", "read"),
        ]))
        .await;
        for value in [ada.phone(), ada.bsuid()] {
            assert_eq!(tables_naming(&app, value).await, [""; 0], "{value}");
        }
    }
    assert_eq!(app.events("status NOT IN ('processed', 'discarded')").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hash_of_erased_identity_is_keyed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    let first = [ada.text(1, "one"), grace.text(1, "one")];
    for (who, message) in [&ada, &grace].into_iter().zip(&first) {
        app.process(&number.received(who, std::slice::from_ref(message))).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    tenant.client.delete(&contact.path()).await.expect(204);
    let plain = |of: &Customer| format!("app.identity_hash('{}', 'phone', '', '{}')", tenant.id, of.phone());
    let rows = async |condition: &str| {
        let condition =
            format!("SELECT count(*) FROM erased_identities WHERE tenant_id = '{}' AND {condition}", tenant.id);
        app.database.count(&condition).await
    };
    assert_eq!(rows(&format!("hash = {}", plain(&ada))).await, 0);
    assert_eq!(rows("key_id IS NOT NULL").await, 2);

    // As the previous version stored it: it is found, and keyed by the scheduler.
    let contact = tenant.contact_by_identity("bsuid", grace.bsuid()).await;
    tenant.client.delete(&contact.path()).await.expect(204);
    let unkey = format!(
        "DELETE FROM erased_identities WHERE tenant_id = '{0}';
         INSERT INTO erased_identities (tenant_id, hash, erased_at) VALUES ('{0}', {1}, now() + interval '1 year')",
        tenant.id,
        plain(&grace)
    );
    app.database.admin().await.batch_execute(&unkey).await.unwrap();
    for _ in 0..2 {
        app.process(&number.received(&grace, &[grace.without_bsuid().text(2, "again")])).await;
        assert_eq!(tenant.contacts().await, []);
        let mut tx = app.postgres.operator().await.unwrap();
        let keyed = crm::ErasureHousekeeping::key_hashes(&mut *tx, 100).await;
        settle(tx, keyed).await.unwrap();
        assert_eq!((rows("key_id IS NULL").await, rows("key_id IS NOT NULL").await), (0, 1));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hash_of_erased_identity_expires() {
    let app = TestApp::start_with(Settings { pipeline: true, own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    app.process(&number.received(&ada, &[ada.text(1, "one")])).await;
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    tenant.client.delete(&contact.path()).await.expect(204);
    let left = async || app.database.count("SELECT count(*) FROM erased_identities").await;
    let purge = async |before, limit| {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = crm::ErasureHousekeeping::purge_hashes(&mut *tx, before, limit).await;
        settle(tx, purged).await.unwrap()
    };
    let erased_at = app.clock.now();
    assert_eq!((purge(erased_at, 100).await, left().await), (0, 2), "of the number and the user id");
    let later = erased_at + TimeDelta::seconds(1);
    assert_eq!((purge(later, 1).await, left().await), (1, 1), "in batches");
    assert_eq!((purge(later, 100).await, left().await), (1, 0));
    // An event from before the deletion now restores the contact.
    app.process(&number.received(&ada, &[ada.text(1, "late")])).await;
    assert_eq!(tenant.contacts().await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_contact_is_invisible_at_once_and_erased_in_steps() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&ada, &[ada.text(1, "avocado")])).await;
    app.process(&number.received(&grace, &[grace.text(1, "banana")])).await;
    let [of_ada, of_grace] = [&ada, &grace].map(|who| tenant.contact_by_identity("bsuid", who.bsuid()));
    let (of_ada, of_grace) = (of_ada.await, of_grace.await);
    copy_messages(&app, &tenant, &of_ada.id, 2_500).await;

    // Merged in steps, and erased before the merge is finished.
    let merge = format!("{}/merge", of_grace.path());
    tenant.client.post(&merge, &json!({"contact_id": of_ada.id})).await.json(200);
    let [conversation] = &tenant.conversations().await[..] else { panic!("one conversation remains") };
    assert_eq!(conversation.contact_id, of_grace.id);
    assert_eq!(tenant.contacts().await.len(), 1);
    let erase_both = async || {
        tenant.client.delete(&of_grace.path()).await.expect(204);
        assert_eq!(tenant.contacts().await, []);
        assert_eq!(tenant.conversations().await, []);
        for gone in [&of_ada, &of_grace] {
            tenant.client.get(&gone.path()).await.problem(404, "not_found");
        }
        let found: Value = tenant.client.get("/crm/search?q=avocado").await.json(200);
        assert_eq!(found["data"], json!([]));
    };
    erase_both().await;
    finish_contact_jobs(&app, &tenant).await;
    assert_eq!(left(&app, &tenant).await, [""; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_merge_is_finished_in_steps() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&ada, &[ada.text(2, "from ada")])).await;
    app.process(&number.received(&grace, &[grace.text(1, "from grace")])).await;
    let of_ada = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let of_grace = tenant.contact_by_identity("bsuid", grace.bsuid()).await;
    copy_messages(&app, &tenant, &of_ada.id, 2_500).await;
    let merge = format!("{}/merge", of_grace.path());
    tenant.client.post(&merge, &json!({"contact_id": of_ada.id})).await.json(200);
    // What arrives meanwhile belongs to the remaining contact.
    app.process(&number.received(&ada, &[ada.text(3, "meanwhile")])).await;
    finish_contact_jobs(&app, &tenant).await;
    let count = async |sql: &str| app.database.count(&format!("{sql} AND tenant_id = '{}'", tenant.id)).await;
    let of = format!("WHERE contact_id = '{}'", of_grace.id);
    assert_eq!(count(&format!("SELECT count(*) FROM messages {of}")).await, 2_503);
    assert_eq!(count("SELECT count(DISTINCT conversation_id) FROM messages WHERE true").await, 1);
    assert_eq!(count("SELECT count(*) FROM contacts WHERE true").await, 1);
    assert_eq!(count("SELECT count(*) FROM contact_jobs WHERE true").await, 0);
    let [conversation] = &tenant.conversations().await[..] else { panic!("one conversation remains") };
    assert_eq!(conversation.last_message_preview, "meanwhile");
    app.finish().await;
}

/// The scheduler of the tests runs, too: either finishes the jobs.
async fn finish_contact_jobs(app: &TestApp, tenant: &TestTenant) {
    let left = format!("SELECT count(*) FROM contact_jobs WHERE tenant_id = '{}'", tenant.id);
    wait::until("the jobs to be finished", async || {
        let run = continue_contact_jobs(&app.postgres).await.unwrap();
        assert!(run.failures.is_empty(), "{run:?}");
        (app.database.count(&left).await == 0).then_some(())
    })
    .await;
}

/// Copies a message of a contact, and its interaction.
async fn copy_messages(app: &TestApp, tenant: &TestTenant, contact: &str, copies: u32) {
    let copy = format!(
        "CREATE TEMPORARY TABLE copies AS
           SELECT m.*, gen_random_uuid() AS copy, n FROM messages m, generate_series(1, {copies}) n
            WHERE m.contact_id = '{contact}' AND m.tenant_id = '{}';
         INSERT INTO messages (tenant_id, id, account_id, contact_id, conversation_id, wamid, direction, kind, text, payload,
                               provider_timestamp, created_at)
         SELECT tenant_id, copy, account_id, contact_id, conversation_id, wamid || n, direction, kind, text, payload,
                provider_timestamp, created_at FROM copies;
         INSERT INTO interactions (tenant_id, id, contact_id, kind, text, message_id, occurred_at, created_at)
         SELECT tenant_id, gen_random_uuid(), contact_id, 'inbound_message', text, copy, provider_timestamp, created_at FROM copies",
        tenant.id
    );
    app.database.admin().await.batch_execute(&copy).await.unwrap();
}
