//! Dead letters: listing, replaying, discarding.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::api::{Page, ReplayedEvents, Resource as _, WebhookEvent, WebhookEventDetails, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::meta::{Number, text};
use crate::kit::wait;

/// Messages with this text cannot be stored while the trigger is installed.
const FAILING_TEXT: &str = "cannot be stored";
/// Failures before an event becomes a dead letter, and a pause longer than any retry delay.
const MAX_ATTEMPTS: i64 = 7;
const MAX_RETRY_DELAY: TimeDelta = TimeDelta::hours(2);

/// Installs a trigger that rejects some messages.
async fn install_trigger(app: &TestApp) {
    let trigger = format!(
        "CREATE FUNCTION public.break_message() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN IF NEW.text = '{FAILING_TEXT}' THEN RAISE EXCEPTION 'a fault of this test'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER break_message BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION public.break_message()"
    );
    app.database.execute(&trigger).await;
}

async fn remove_trigger(app: &TestApp) {
    let drop = "DROP TRIGGER break_message ON messages; DROP FUNCTION public.break_message()";
    app.database.execute(drop).await;
}

/// Creates a dead letter that no retry can fix: a message without an id, from a new sender each time.
async fn dead_letter(app: &TestApp, tenant: &TestTenant, number: &Number) -> String {
    let known: BTreeSet<String> = ids(&dead_letters(tenant).await);
    let mut message = text("15550100", &format!("nameless {}", known.len()));
    message.as_object_mut().unwrap().remove("id");
    app.deliver(&number.delivery(&[message])).await.expect(200);
    wait::until("a dead letter", async || ids(&dead_letters(tenant).await).into_iter().find(|id| !known.contains(id)))
        .await
}

async fn dead_letters(tenant: &TestTenant) -> Vec<WebhookEvent> {
    tenant.client.list("/webhook-events?status=dead_letter&limit=100").await
}

fn ids(events: &[WebhookEvent]) -> BTreeSet<String> {
    events.iter().map(|event| event.id.clone()).collect()
}

async fn details(tenant: &TestTenant, id: &str) -> WebhookEventDetails {
    tenant.client.read(&format!("/webhook-events/{id}")).await
}

fn because() -> Value {
    json!({"reason": "the cause is fixed"})
}

/// The tenant's audit records of an action.
async fn audited(app: &TestApp, tenant: &TestTenant, action: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM audit_records a JOIN users u ON u.tenant_id = a.tenant_id AND u.id::text = a.actor_id
          WHERE a.tenant_id = '{}' AND a.action = '{action}' AND a.actor_kind = 'user' AND a.outcome = 'done'
            AND a.address = '{}' AND a.request_id IS NOT NULL AND a.changes ->> 'reason' = 'the cause is fixed'",
        tenant.id,
        app.client.address()
    );
    app.database.count(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_event_is_dead_lettered_then_replayed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    install_trigger(&app).await;
    let mut messages: Vec<Value> = (0..49).map(|n| text(&format!("155501{n:02}"), "hello")).collect();
    messages.insert(20, text("15550199", FAILING_TEXT));
    app.deliver(&number.delivery(&messages)).await.expect(200);

    for attempt in 1..=MAX_ATTEMPTS {
        wait::until("the next failure", async || {
            (app.events(&format!("attempts = {attempt}")).await == 1).then_some(())
        })
        .await;
        app.clock.advance(MAX_RETRY_DELAY);
    }
    app.wait_until_processed().await;
    // All retries together took hours.
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(app.events("attempts = 0 AND status = 'processed'").await, 49);
    let dead = dead_letters(&tenant).await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].attempts, dead[0].error_class.as_deref()), (MAX_ATTEMPTS, Some("transient")));
    let id = dead[0].id.as_str();
    let failed = details(&tenant, id).await;
    let attempts = &failed.failed_attempts;
    assert_eq!(column(attempts, |it| it.attempt), (1..=MAX_ATTEMPTS).collect::<Vec<_>>());
    assert!(attempts.iter().all(|attempt| attempt.error_class == "transient" && attempt.replay == 0));
    let sent = &failed.payload["changes"][0]["value"]["messages"][0];
    assert_eq!((&sent["id"], &sent["text"]["body"]), (&messages[20]["id"], &json!(FAILING_TEXT)));

    remove_trigger(&app).await;
    let path = format!("{}/replay", dead[0].path());
    let replayed: WebhookEvent = tenant.client.post(&path, &because()).await.body(202);
    assert_eq!((replayed.status.as_str(), replayed.attempts), ("received", 0));
    app.wait_until_processed().await;
    let after = details(&tenant, id).await;
    assert_eq!((after.event.status.as_str(), after.event.replays), ("processed", 1));
    assert_eq!(after.failed_attempts.len(), 7, "the failures are kept");
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 50);
    assert_eq!(app.database.count("SELECT count(*) FROM interactions WHERE kind = 'inbound_message'").await, 50);
    assert_eq!(tenant.conversation_by_identity("phone", "15550199").await.unread_count, 1);
    assert_eq!(audited(&app, &tenant, "webhook_event.replayed").await, 1);
    tenant.client.post(&path, &because()).await.problem(409, "not_replayable");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_replays_accept_one() {
    // Without a worker, a replayed event keeps the status that the replay set.
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "hello")])).await.expect(200);
    app.database.execute("UPDATE webhook_events SET status = 'dead_letter'; DELETE FROM webhook_outbox").await;
    let event = dead_letters(&tenant).await.remove(0);
    // The row stays locked until all requests wait for it.
    let mut holder = app.database.admin().await;
    holder.batch_execute("BEGIN; SELECT FROM webhook_events FOR UPDATE").await.unwrap();
    let (path, reason) = (format!("{}/replay", event.path()), because());
    let replays = join_all((0..5).map(|_| tenant.client.post(&path, &reason)));
    let release = async {
        wait::until("all requests to wait", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND usename = 'parley_app' AND wait_event_type = 'Lock'";
            (app.database.count(waiting).await == 5).then_some(())
        })
        .await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (answers, ()) = tokio::join!(replays, release);
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409, 409, 409]);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_outbox").await, 1);
    assert_eq!(audited(&app, &tenant, "webhook_event.replayed").await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discarded_dead_letter_can_be_replayed_while_stored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let id = dead_letter(&app, &tenant, &number).await;
    let path = |what: &str| format!("/webhook-events/{id}/{what}");
    let discarded: WebhookEvent = tenant.client.post(&path("discard"), &because()).await.body(200);
    assert_eq!(discarded.status, "discarded");
    assert_eq!(dead_letters(&tenant).await, []);
    tenant.client.post(&path("discard"), &because()).await.problem(409, "not_dead_letter");
    assert_eq!(audited(&app, &tenant, "webhook_event.discarded").await, 1);

    tenant.client.post(&path("replay"), &because()).await.expect(202);
    wait::until("the event to be a dead letter again", async || (dead_letters(&tenant).await.len() == 1).then_some(()))
        .await;
    tenant.client.post(&path("discard"), &because()).await.expect(200);
    let forget = format!("DELETE FROM webhook_payloads WHERE event_id = '{id}'");
    app.database.execute(&forget).await;
    tenant.client.post(&path("replay"), &because()).await.problem(409, "not_replayable");
    assert_eq!(details(&tenant, &id).await.payload, Value::Null);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_replay_follows_filter_and_dry_run_counts() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, other) = (Number::fresh(), tenant.connect().await);
    let account = tenant.connect_number(&number).await;
    for _ in 0..3 {
        dead_letter(&app, &tenant, &number).await;
    }
    dead_letter(&app, &tenant, &other).await;
    let client = &tenant.client;
    let replay = async |body: Value| client.post("/webhook-events/replay", &body).await;
    for (filter, events) in [
        (json!({"account_id": account.id}), 3),
        (json!({"limit": 2}), 2),
        (json!({"kind": "status"}), 0),
        (json!({"error_class": "permanent"}), 4),
        (json!({"status": "discarded"}), 0),
    ] {
        let mut body = filter;
        body["dry_run"] = json!(true);
        let counted: ReplayedEvents = replay(body.clone()).await.body(200);
        assert_eq!(counted, ReplayedEvents { dry_run: true, events }, "{body}");
    }
    assert_eq!(dead_letters(&tenant).await.len(), 4, "nothing was replayed");
    assert_eq!(audited(&app, &tenant, "webhook_events.replayed").await, 0);

    let body = json!({"account_id": account.id, "reason": "the cause is fixed", "limit": 2});
    assert_eq!(replay(body).await.body::<ReplayedEvents>(202), ReplayedEvents { dry_run: false, events: 2 });
    assert_eq!(app.events("replay_seq = 1").await, 2);
    let oldest = "replay_seq = 1 AND received_at <= ALL (SELECT received_at FROM webhook_events WHERE replay_seq = 0
                  AND account_id = (SELECT account_id FROM webhook_events WHERE replay_seq = 1 LIMIT 1))";
    assert_eq!(app.events(oldest).await, 2, "oldest first");
    // Replayed events are spaced: the clock stands still, so the second is not due yet.
    app.clock.advance(TimeDelta::seconds(1));
    app.wait_until_processed().await;
    assert_eq!(audited(&app, &tenant, "webhook_events.replayed").await, 1);

    for (body, pointer) in [
        (json!({}), "/reason"),
        (json!({"reason": ""}), "/reason"),
        (json!({"dry_run": true, "limit": 0}), "/limit"),
        (json!({"dry_run": true, "limit": 10_001}), "/limit"),
        (json!({"dry_run": true, "status": "processed"}), "/status"),
        (json!({"dry_run": true, "everything": true}), "/everything"),
    ] {
        let problem = replay(body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer);
    }
    app.finish_with_dead_letters(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_filtered_and_isolated() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let number = tenant.connect().await;
    let id = dead_letter(&app, &tenant, &number).await;
    app.process(&number.delivery(&[text("15550100", "fine")])).await;
    let list = async |query: &str| tenant.client.list::<WebhookEvent>(&format!("/webhook-events{query}")).await.len();
    assert_eq!(list("").await, 2);
    assert_eq!(list("?status=processed").await, 1);
    assert_eq!(list("?status=dead_letter&kind=message").await, 1);
    assert_eq!(list("?status=dead_letter&kind=status").await, 0);
    assert_eq!(list("?status=dead_letter&error_class=permanent").await, 1);
    assert_eq!(list("?status=dead_letter&account=01890000-0000-7000-8000-000000000000").await, 0);
    for query in ["?status=lost", "?kind=message&kind=status", "?acount=1", "?account=x"] {
        tenant.client.get(&format!("/webhook-events{query}")).await.problem(400, "invalid_query");
    }
    let page: Page<WebhookEvent> = tenant.client.read("/webhook-events?limit=1").await;
    let cursor = page.cursor();
    let next: Vec<WebhookEvent> = tenant.client.list(&format!("/webhook-events?limit=1&cursor={cursor}")).await;
    assert_eq!(next[0].id, id, "latest first");
    other.client.get(&format!("/webhook-events?cursor={cursor}")).await.problem(400, "invalid_cursor");

    // Another tenant's event is answered like an unknown one.
    assert_eq!(other.client.all::<WebhookEvent>().await, []);
    for id in [id.as_str(), "01890000-0000-7000-8000-000000000000", "x"] {
        other.client.get(&format!("/webhook-events/{id}")).await.problem(404, "not_found");
        for what in ["replay", "discard"] {
            other.client.post(&format!("/webhook-events/{id}/{what}"), &because()).await.problem(404, "not_found");
        }
    }
    assert_eq!(details(&tenant, &id).await.event.status, "dead_letter");
    app.finish_with_dead_letters(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_is_shown_with_replay_permission() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let id = dead_letter(&app, &tenant, &number).await;
    assert!(details(&tenant, &id).await.payload.to_string().contains("nameless"));
    let reader = app.user_with_permissions(&tenant, &["events:read"]).await.client;
    let path = format!("/webhook-events/{id}");
    assert_eq!(reader.read::<WebhookEventDetails>(&path).await.payload, Value::Null);
    for path in [format!("{path}/replay"), format!("{path}/discard")] {
        reader.post(&path, &because()).await.problem(403, "insufficient_scope");
    }
    reader.post("/webhook-events/replay", &json!({"dry_run": true})).await.problem(403, "insufficient_scope");
    let other = app.user_with_permissions(&tenant, &["crm:read"]).await.client;
    other.get("/webhook-events").await.problem(403, "insufficient_scope");
    app.finish_with_dead_letters(1).await;
}
