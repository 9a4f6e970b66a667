//! Events that take too long, or need more than the database has.

use chrono::{TimeDelta, Utc};
use flows::{Database, lock_events};
use inbound::{EventLedger, UnfinishedEvent};
use kernel::Clock;
use kernel::ids::{EventId, TenantId};
use serde_json::Value;

use crate::kit::api::WebhookEvent;
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::meta::{fresh_digits, text};
use crate::kit::wait;

/// Failures before an event becomes a dead letter, and a pause longer than any retry delay.
const MAX_ATTEMPTS: i64 = 7;
const MAX_RETRY_DELAY: TimeDelta = TimeDelta::hours(2);

/// Each new message runs this code before it is inserted.
async fn before_each_message(app: &TestApp, code: &str) {
    let trigger = format!(
        "CREATE FUNCTION public.disturb() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
           BEGIN {code} RETURN NEW; END $$;
         CREATE TRIGGER disturb BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION public.disturb()"
    );
    app.database.execute(&trigger).await;
}

/// Each statement that inserts messages runs this code afterwards; the table `new` has the messages.
async fn after_all_messages(app: &TestApp, code: &str) {
    let trigger = format!(
        "CREATE FUNCTION public.disturb() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
           BEGIN {code} RETURN NULL; END $$;
         CREATE TRIGGER disturb AFTER INSERT ON messages REFERENCING NEW TABLE AS new
           FOR EACH STATEMENT EXECUTE FUNCTION public.disturb()"
    );
    app.database.execute(&trigger).await;
}

fn messages(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|it| text(&fresh_digits()[4..], it)).collect()
}

async fn the_dead_letter(tenant: &TestTenant) -> Option<WebhookEvent> {
    let mut found: Vec<WebhookEvent> = tenant.client.list("/webhook-events?status=dead_letter").await;
    found.pop()
}

/// A full lock table is the failure of the batch that fills it, not of the database.
#[tokio::test(flavor = "multi_thread")]
async fn event_that_exceeds_a_limit_alone_counts_attempts() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let fail = "IF NEW.text = 'too much' THEN RAISE EXCEPTION 'out of shared memory' USING ERRCODE = '53200'; END IF;";
    before_each_message(&app, fail).await;
    let mut texts = vec!["fits"; 20];
    texts[7] = "too much";
    app.deliver(&number.delivery(&messages(&texts))).await.expect(200);

    wait::until("the other events to be processed", async || {
        (app.events("status = 'processed' AND attempts = 0").await == 19).then_some(())
    })
    .await;
    let dead = wait::until("the last attempt", async || {
        app.clock.advance(MAX_RETRY_DELAY);
        the_dead_letter(&tenant.log_in_again(&app).await).await
    })
    .await;
    assert_eq!((dead.attempts, dead.error_class.as_deref()), (MAX_ATTEMPTS, Some("timeout")));
    app.finish_with_dead_letters(1).await;
}

/// The database answers others, so the batch is not retried as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_batch_that_times_out_are_processed_alone() {
    let app = TestApp::start_with_pipeline().await;
    let number = app.tenant().await.connect().await;
    let time_out = "IF (SELECT count(*) FROM new) > 1 THEN
           RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END IF;";
    after_all_messages(&app, time_out).await;
    app.deliver(&number.delivery(&messages(&["slow together"; 30]))).await.expect(200);
    app.wait_until_processed().await;
    assert_eq!(app.events("status = 'processed' AND attempts = 0").await, 30);
    app.finish().await;
}

/// More tenants than the worker has cores are slow.
#[tokio::test(flavor = "multi_thread")]
async fn slow_tenants_do_not_hold_up_another() {
    let app = TestApp::start_with_pipeline().await;
    let wait = "WHILE NEW.text = 'slow' AND EXISTS (SELECT FROM public.hold) LOOP PERFORM pg_sleep(0.05); END LOOP;";
    app.database.execute("CREATE TABLE public.hold (); INSERT INTO public.hold DEFAULT VALUES").await;
    before_each_message(&app, wait).await;
    let slow = std::thread::available_parallelism().unwrap().get().clamp(2, 4);
    for _ in 0..slow {
        let number = app.tenant().await.connect().await;
        app.deliver(&number.delivery(&messages(&["slow"]))).await.expect(200);
    }
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait::until("all slow events to be started", async || {
        (app.database.count(running).await == i64::try_from(slow).unwrap()).then_some(())
    })
    .await;

    let other = app.tenant().await;
    let number = other.connect().await;
    app.deliver(&number.delivery(&messages(&["quick"]))).await.expect(200);
    wait::until("the other tenant's message", async || other.conversations().await.pop()).await;
    assert_eq!(app.events("status = 'received'").await, i64::try_from(slow).unwrap());
    app.database.execute("DELETE FROM public.hold").await;
    app.finish().await;
}

/// The places for locks are shared by all transactions of the server.
#[tokio::test(flavor = "multi_thread")]
async fn batch_of_any_size_takes_few_locks() {
    let app = TestApp::start_with_pipeline().await;
    let number = app.tenant().await.connect().await;
    app.database.execute("CREATE TABLE public.taken (locks bigint, messages bigint)").await;
    let count = "INSERT INTO public.taken SELECT
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), (SELECT count(*) FROM new);";
    after_all_messages(&app, count).await;
    app.deliver(&number.delivery(&messages(&["one of many"; 500]))).await.expect(200);
    app.wait_until_processed().await;
    let most = "SELECT max(messages) AS count FROM public.taken";
    assert!(app.database.count(most).await >= 200, "they were processed together");
    // With the lock of recording.
    assert!(app.database.count("SELECT max(locks) AS count FROM public.taken").await <= 257);
    app.finish().await;
}

/// Two events that were published, with the starts of the second.
async fn two_events(starts: i32) -> (TestApp, TestTenant, Vec<EventId>) {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.deliver(&number.delivery(&messages(&["first", "second"]))).await.expect(200);
    let published = format!(
        "UPDATE webhook_outbox SET publish_count = 1, not_before = not_before + interval '10 minutes';
         UPDATE webhook_events SET starts = {starts} WHERE id = (SELECT max(id::text)::uuid FROM webhook_events)"
    );
    app.database.execute(&published).await;
    let listed: Vec<WebhookEvent> = tenant.client.list("/webhook-events").await;
    let mut ids: Vec<EventId> = listed.iter().map(|event| event.id.parse().unwrap()).collect();
    ids.sort_unstable();
    (app, tenant, ids)
}

/// The broker gives up on all messages that were delivered beside those of events that kill workers.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_event_is_due_again_unless_it_kills_workers() {
    let (app, _, ids) = two_events(UnfinishedEvent::MAX_STARTS).await;
    let (now, events) = (app.clock.now(), ids.clone());
    let dead = app.postgres.clone();
    let dead: &dyn Database = &dead;
    let dead = dead.in_intake(async |tx| EventLedger::dead_letter_abandoned(tx, &events, now).await).await.unwrap();
    assert_eq!(dead.iter().map(|event| event.id).collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(app.events("status = 'dead_letter' AND error_class = 'poison' AND attempts = 1").await, 1);
    let due = format!(
        "SELECT count(*) FROM webhook_outbox WHERE event_id = '{}' AND publish_count = 0 AND not_before <= to_timestamp({})",
        ids[0],
        now.timestamp() + 1,
    );
    assert_eq!(app.database.count(&due).await, 1);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_outbox").await, 1);
    app.stop().await;
}

/// A worker prefetches the whole queue: an empty queue does not mean that what was published is lost.
#[tokio::test(flavor = "multi_thread")]
async fn event_that_a_worker_has_is_not_taken_for_lost() {
    let (app, _, ids) = two_events(0).await;
    app.clock.advance(TimeDelta::seconds(25));
    let (now, database): (_, &dyn Database) = (app.clock.now(), &app.postgres);
    let lost = database
        .in_intake(async |tx| {
            EventLedger::keep_published(tx, &ids[..1], now).await?;
            EventLedger::republish_lost(tx, now - TimeDelta::seconds(20), now).await
        })
        .await;
    assert_eq!(lost.unwrap(), 1);
    let kept = format!("SELECT count(*) FROM webhook_outbox WHERE event_id = '{}' AND publish_count = 1", ids[0]);
    assert_eq!(app.database.count(&kept).await, 1);
    app.stop().await;
}

#[expect(clippy::disallowed_methods, reason = "the tenant signed up in this test")]
fn scope_of(tenant: &TestTenant) -> kernel::TenantScope {
    kernel::TenantScope::mint(tenant.id.parse::<TenantId>().unwrap())
}

/// A relay whose clock is ahead publishes a retry before it is due by the worker's clock.
#[tokio::test(flavor = "multi_thread")]
async fn retry_that_is_published_early_is_published_again() {
    let (app, tenant, ids) = two_events(0).await;
    let retry = format!(
        "UPDATE webhook_events SET status = 'retrying', attempts = 1, next_attempt_at = to_timestamp({}) WHERE id = '{}'",
        app.clock.now().timestamp() + 5,
        ids[0],
    );
    app.database.execute(&retry).await;
    let database: &dyn Database = &app.postgres;
    let loaded = database.in_intake(async |tx| EventLedger::unfinished_events(tx, &ids).await).await.unwrap();
    assert!(loaded.iter().all(|event| event.size > 100), "{loaded:?}");
    let locked = database
        .in_tenant(&scope_of(&tenant), async |tx| {
            let locked = lock_events(tx, &loaded, &*app.clock).await?;
            assert!(locked.iter().all(|it| it.payload.len() == it.event.size));
            Ok::<_, kernel::StoreError>(locked.iter().map(|it| it.event.id).collect::<Vec<_>>())
        })
        .await
        .unwrap();
    assert_eq!(locked, [ids[1]]);
    let due = format!(
        "SELECT extract(epoch FROM not_before)::bigint AS count FROM webhook_outbox WHERE event_id = '{}' AND publish_count = 0",
        ids[0]
    );
    let seconds = app.database.count(&due).await - app.clock.now().with_timezone(&Utc).timestamp();
    assert!((9..=10).contains(&seconds), "{seconds}");
    app.stop().await;
}
