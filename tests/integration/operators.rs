//! Operators: their keys, and events without a tenant.

use ::audit::{Reason, RequestOrigin};
use chrono::TimeDelta;
use flows::{Database as _, revoke_provisioning_key, settle};
use kernel::Clock as _;
use serde_json::json;
use tokens::KeyScope;

use crate::kit::api::{OwnedAccount, Page, Problem, WebhookEvent, WhatsAppAccount, column};
use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::{Number, text};
use crate::kit::operators::{key, operator};

async fn refusals(app: &TestApp, condition: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM platform_audit_records WHERE action = 'operator.refused' AND outcome = 'refused'
            AND request_id IS NOT NULL AND address = '{}' AND {condition}",
        app.client.address()
    );
    app.database.count(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_key_needs_scope_and_refusals_are_audited() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let path = "/platform/webhook-events";
    let tenant = app.tenant().await;
    let anonymous = app.client.get(path).await;
    anonymous.problem(401, "unauthenticated");
    assert_eq!(anonymous.header("www-authenticate"), r#"Bearer realm="parley""#);
    assert_eq!(refusals(&app, "actor_kind = 'anonymous'").await, 0, "strangers fill no log");
    tenant.client.get(path).await.problem(403, "operators_only");
    assert_eq!(refusals(&app, "actor_kind = 'user' AND target_id = 'GET /platform/webhook-events'").await, 1);

    let (_, secret, client) = key(&app, &[KeyScope::EventsRead], None).await;
    assert_eq!(client.get(path).await.json(200), json!({"data": [], "next_cursor": null}));
    let (_, _, narrow) = key(&app, &[KeyScope::TenantsRead], None).await;
    let refused = narrow.get(path).await;
    refused.problem(403, "insufficient_scope");
    assert!(refused.header("www-authenticate").contains(r#"scope="events:read""#));
    assert_eq!(refusals(&app, "actor_kind = 'provisioning_key'").await, 1);

    // One response for every invalid key.
    let end = app.clock.now() + TimeDelta::hours(1);
    let (_, _, expired) = key(&app, &[KeyScope::EventsRead], Some(end)).await;
    expired.get(path).await.expect(200);
    app.clock.advance(TimeDelta::hours(1));
    let (revoked_id, _, revoked) = key(&app, &[KeyScope::EventsRead], None).await;
    revoked.get(path).await.expect(200);
    let mut tx = app.postgres.operator().await.unwrap();
    let ended = revoke_provisioning_key(operator(), &mut *tx, revoked_id, &*app.clock).await;
    assert!(settle(tx, ended).await.unwrap());
    let other = if secret.ends_with('A') { 'B' } else { 'A' };
    let wrong = app.client.with_token(&format!("{}{other}", &secret[..secret.len() - 1]));
    let bare = app.client.with_token("parley_pk_");
    let garbage = app.client.with_token("garbage");
    let mut answers = Vec::new();
    for client in [&expired, &revoked, &wrong, &bare, &garbage] {
        let answer = client.get(path).await;
        let problem = answer.problem(401, "invalid_token");
        answers.push((Problem { request_id: None, ..problem }, answer.header("www-authenticate").to_owned()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    let last_used = "SELECT count(*) FROM provisioning_keys WHERE last_used_at IS NOT NULL";
    assert_eq!(app.database.count(last_used).await, 4);
    // An operator's key gives no access to a tenant's endpoints.
    client.get("/crm/contacts").await.problem(401, "invalid_token");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_only_events_without_tenant() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let (_, _, client) = key(&app, &[KeyScope::EventsRead], None).await;
    let (unknown, tenant) = (Number::fresh(), app.tenant().await);
    let number = tenant.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "the tenant's")])).await.expect(200);
    app.deliver(&unknown.delivery(&[text("15550100", "anonymous's")])).await.expect(200);
    app.deliver_bytes(b"no JSON at all").await.expect(200);
    let list = async |query: &str| client.list::<WebhookEvent>(&format!("/platform/webhook-events{query}")).await;
    let all = list("").await;
    let states = column(&all, |event| (event.kind.as_str(), event.status.as_str()));
    assert_eq!(states, [("unparsed", "dead_letter"), ("message", "unroutable")], "latest first");
    assert_eq!(list("?status=dead_letter").await.len(), 1);
    assert_eq!(list("?status=unroutable&kind=message").await.len(), 1);
    client.get("/platform/webhook-events?kind=message").await.problem(422, "validation_failed");
    assert_eq!(tenant.client.all::<WebhookEvent>().await.len(), 1);
    let page: Page<WebhookEvent> = client.read("/platform/webhook-events?limit=1").await;
    let cursor = page.cursor();
    assert_eq!(list(&format!("?cursor={cursor}")).await.len(), 1);
    tenant.client.get(&format!("/webhook-events?cursor={cursor}")).await.problem(400, "invalid_cursor");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_approval_processes_pending_events() {
    let app = TestApp::start_with(Settings { pipeline: true, self_service: false, ..Settings::default() }).await;
    let (_, _, client) = key(&app, &[KeyScope::ChannelsRead, KeyScope::ChannelsWrite], None).await;
    let (tenant, other, number) = (app.tenant().await, app.tenant().await, Number::fresh());
    let account = tenant.connect_number(&number).await;
    let claim = other.connect_number(&number).await;
    app.deliver(&number.delivery(&[text("15550100", "before")])).await.expect(200);
    let listed: Vec<OwnedAccount> = client.list("/platform/whatsapp-accounts?pending=true").await;
    assert_eq!(column(&listed, |account| &account.tenant), [&other.slug, &tenant.slug]);

    let approve = |account: &WhatsAppAccount| format!("/platform/whatsapp-accounts/{}/approve", account.id);
    client.post(&approve(&account), &json!({})).await.expect(204);
    client.post(&approve(&account), &json!({})).await.problem(404, "not_found");
    client.post(&approve(&claim), &json!({})).await.problem(409, "number_in_use");
    tenant.wait_for_conversations(1).await;
    assert_eq!(other.conversations().await.len(), 0);
    let record = "SELECT count(*) FROM platform_audit_records WHERE action = 'whatsapp_account.approved'
                    AND actor_kind = 'provisioning_key' AND outcome = 'done'";
    assert_eq!(app.database.count(record).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_stores_delivery_that_parses_now() {
    use flows::{ReparseDeliveryError, reparse_delivery};

    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.deliver_bytes(b"no JSON at all").await.expect(200);
    let id = "SELECT id::text AS finding FROM webhook_events WHERE status = 'dead_letter'";
    let id: kernel::ids::EventId = app.database.text(id).await.parse().unwrap();
    let reason = Reason::parse("the format is supported now").unwrap();
    let again = async || {
        let mut tx = app.postgres.intake().await.unwrap();
        let outcome = reparse_delivery(operator(), &mut *tx, id, &reason, RequestOrigin::default(), &*app.clock).await;
        settle(tx, outcome).await
    };
    assert!(matches!(again().await, Err(ReparseDeliveryError::StillUnparsed)));

    // Simulates a later release: the stored bytes parse as a delivery now.
    let body = number.delivery(&[text("15550100", "supported now")]).to_string();
    let statement =
        format!("UPDATE webhook_payloads SET body = convert_to($${body}$$, 'UTF8') WHERE event_id = '{id}'");
    app.database.execute(&statement).await;
    assert_eq!(again().await.unwrap(), 1);
    app.wait_until_processed().await;
    assert_eq!(tenant.conversations().await[0].last_message_preview, "supported now");
    assert!(matches!(again().await, Err(ReparseDeliveryError::NotReplayable)));
    app.finish().await;
}
