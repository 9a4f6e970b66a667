//! What is counted of sent messages, and how long it is kept.

use chrono::TimeDelta;
use flows::{Database as _, settle};
use kernel::Clock as _;
use serde_json::json;

use crate::kit::api::{Message, SentMessages, Usage};
use crate::kit::sandbox::MetaSandbox;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn accepted_message_is_counted_once_and_a_reaction_not() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let (_, conversation) = meta.conversation(&tenant, &line).await;
    // The status proves what the answer does not say.
    meta.fault(&line, json!({"fault": "reset_after_accept", "count": 1})).await;
    for text in ["One", "Two"] {
        let sent = tenant.send_text(&conversation, text).await;
        tenant.wait_for_status(&sent, "delivered").await;
    }
    let inbound = &tenant.messages(&conversation).await.into_iter().find(|it| it.direction == "inbound").unwrap();
    tenant.client.put(&format!("/crm/messages/{}/reaction", inbound.id), &json!({"emoji": "👍"})).await.expect(204);
    wait::until("the reaction", async || {
        meta.journal(&line).await.iter().any(|entry| entry.kind == "reaction").then_some(())
    })
    .await;
    let usage: Usage = tenant.client.read("/billing/usage").await;
    assert_eq!(usage.total.outbound_messages, SentMessages { service: 2, ..SentMessages::default() });
    assert_eq!(usage.total.inbound_messages, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_reaction_is_purged_and_a_message_kept() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let (_, conversation) = meta.conversation(&tenant, &line).await;
    let sent = tenant.send_text(&conversation, "Hello").await;
    tenant.wait_for_status(&sent, "delivered").await;
    let inbound = &tenant.messages(&conversation).await.into_iter().find(|it| it.direction == "inbound").unwrap();
    tenant.client.put(&format!("/crm/messages/{}/reaction", inbound.id), &json!({"emoji": "👍"})).await.expect(204);
    let count = async |query: &str| app.database.count(query).await;
    let over = "SELECT count(*) FROM sends WHERE kind = 'reaction' AND state = 'accepted'";
    wait::until("the reaction", async || (count(over).await == 1).then_some(())).await;
    let purge = async |age: TimeDelta| {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = tx.purge_sends(app.clock.now() - age, 100).await;
        settle(tx, purged).await.unwrap()
    };
    app.clock.advance(TimeDelta::days(7));
    assert_eq!(purge(TimeDelta::days(8)).await, 0);
    assert_eq!((purge(TimeDelta::days(6)).await, purge(TimeDelta::days(6)).await), (1, 0));
    assert_eq!(count("SELECT count(*) FROM sends").await, 1);
    assert_eq!(count("SELECT count(*) FROM send_attempts").await, 1, "of the message");

    let pause = "INSERT INTO sending_pauses (tenant_id, account_id, scope, subject, sends, class, reason, advice, started_at, until)
                 SELECT tenant_id, id, 'pair', kind, 'all', 'throttle', '', '', created_at, created_at + ends
                   FROM whatsapp_accounts, (VALUES ('a', interval '1 day'), ('b', interval '30 days'), ('c', NULL)) AS v (kind, ends)";
    app.database.execute(pause).await;
    let purge = async || {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = tx.purge_pauses(app.clock.now(), 100).await;
        settle(tx, purged).await.unwrap()
    };
    assert_eq!((purge().await, purge().await), (1, 0));
    assert_eq!(count("SELECT count(*) FROM sending_pauses").await, 2, "what lasts stays");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_with_a_key_sends_once() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let (phone, conversation) = meta.conversation(&tenant, &line).await;
    let text = json!({"type": "text", "text": {"body": "Hello"}});
    let mut to_person = text.clone();
    (to_person["to"], to_person["account_id"]) = (json!({"phone": format!("+{phone}")}), json!(line.account.id));
    for (path, body) in
        [(format!("/crm/conversations/{}/messages", conversation.id), text), ("/crm/messages".to_owned(), to_person)]
    {
        let client = tenant.client.with("idempotency-key", &format!("once-{}", path.len()));
        let first = client.post(&path, &body).await;
        let again = client.post(&path, &body).await;
        again.expect(202);
        assert_eq!((&again.text, again.header("idempotency-replayed")), (&first.text, "true"));
        let mut other = body.clone();
        other["client_ref"] = json!("another");
        client.post(&path, &other).await.problem(422, "idempotency_key_reused");
        let sent: Message = first.body(202);
        tenant.wait_for_status(&sent, "delivered").await;
    }
    assert_eq!(meta.journal(&line).await.len(), 2);
    app.finish().await;
}
