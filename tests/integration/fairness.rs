//! Tenants are served in turn, whatever the others have waiting.

use std::collections::BTreeSet;

use flows::{Database, requeue_held_and_unroutable};
use inbound::{ClaimedEvents, EventLedger, PublishWindow, Turn};
use kernel::Clock;
use kernel::ids::TenantId;
use serde_json::json;

use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::text;
use crate::kit::operators::all_scopes;
use crate::kit::{backlog, wait};

#[tokio::test(flavor = "multi_thread")]
async fn message_does_not_wait_for_other_tenants_backlog() {
    let app = TestApp::start_with_pipeline().await;
    let busy = app.tenant().await.connect().await;
    let other = app.tenant().await;
    let number = other.connect().await;
    backlog::insert(&app.database, &busy, 30_000, 10).await;
    wait::until("the backlog to be processed", async || (app.events("status = 'processed'").await > 0).then_some(()))
        .await;
    app.deliver(&number.delivery(&[text("15550100", "not after all of them")])).await.expect(200);
    wait::until("the other tenant's message", async || other.conversations().await.pop()).await;
    let left = app.events("status = 'received'").await;
    assert!(left > 10_000, "{left}");
    app.stop().await;
}

const WINDOW: PublishWindow = PublishWindow { per_tenant: 10, total: 20, reserve: 2 };

/// The number of events of each tenant that a turn claims, in the order of the tenants.
struct Ledger {
    app: TestApp,
    tenants: Vec<TenantId>,
}

impl Ledger {
    /// Tenants with this many due events each.
    async fn with(events: &[u32]) -> Self {
        let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
        let mut tenants = BTreeSet::new();
        for events in events {
            let tenant = app.tenant().await;
            backlog::insert(&app.database, &tenant.connect().await, *events, 1).await;
            tenants.insert(tenant.id.parse::<TenantId>().unwrap());
        }
        Self { app, tenants: tenants.into_iter().collect() }
    }

    async fn claim(&self, turn: Turn) -> (Vec<usize>, Option<TenantId>) {
        let (now, database): (_, &dyn Database) = (self.app.clock.now(), &self.app.postgres);
        let until = now + chrono::TimeDelta::seconds(5);
        let claimed = database
            .in_intake(async |tx| {
                let claimed = EventLedger::claim_due(tx, now, until, turn).await?;
                let ids: Vec<_> = claimed.events.iter().map(|event| event.id).collect();
                EventLedger::mark_published(tx, &ids, until, now).await?;
                Ok::<_, kernel::StoreError>(claimed)
            })
            .await;
        let ClaimedEvents { events, next } = claimed.unwrap();
        let of = |tenant: &TenantId| events.iter().filter(|event| event.tenant == Some(*tenant)).count();
        (self.tenants.iter().map(of).collect(), next)
    }
}

fn turn(events: i64, tenants: i64, after: Option<TenantId>) -> Turn {
    Turn { events, tenants, window: WINDOW, after }
}

/// Tenants sign up in the order of their ids.
#[tokio::test(flavor = "multi_thread")]
async fn turn_is_shared_equally_up_to_each_window() {
    let ledger = Ledger::with(&[50, 1, 50]).await;
    let claim = async |events| ledger.claim(turn(events, 10, None)).await.0;
    assert_eq!(claim(7).await, [3, 1, 3]);
    assert_eq!(claim(100).await, [7, 0, 7], "the rest of their windows");
    assert_eq!(claim(100).await, [0, 0, 0], "both windows are full, and so is that of all");

    // While the window of all is full, a tenant with few events in the queue has its reserve.
    let finish = format!(
        "DELETE FROM webhook_outbox WHERE publish_count > 0 AND tenant_id = '{}';
         INSERT INTO webhook_outbox (event_id, tenant_id, not_before, publish_count)
         SELECT gen_random_uuid(), '{}', now() + interval '1 hour', 1 FROM generate_series(1, 10)",
        ledger.tenants[0], ledger.tenants[1],
    );
    ledger.app.database.execute(&finish).await;
    assert_eq!(claim(100).await, [2, 0, 0]);
    // Finished events make room.
    let finish = format!("DELETE FROM webhook_outbox WHERE publish_count > 0 AND tenant_id = '{}'", ledger.tenants[2]);
    ledger.app.database.execute(&finish).await;
    assert_eq!(claim(100).await, [8, 0, 10]);
    ledger.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_is_shared_by_weight() {
    let ledger = Ledger::with(&[50, 50, 1]).await;
    let operator = all_scopes(&ledger.app).await;
    let path = format!("/tenants/{}", ledger.tenants[1]);
    let changed = operator.patch(&path, &json!({"weight": 3})).await.json(200);
    assert_eq!(changed["weight"], 3);
    assert_eq!(operator.get(&path).await.json(200)["weight"], 3);
    let claim = async |events| ledger.claim(turn(events, 10, None)).await.0;
    assert_eq!(claim(9).await, [2, 6, 1]);
    assert_eq!(claim(100).await, [8, 24, 0], "the rest of their windows");
    ledger.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn next_turn_continues_with_the_next_tenants() {
    let ledger = Ledger::with(&[5, 5, 5]).await;
    let first = ledger.claim(turn(100, 2, None)).await;
    assert_eq!(first, (vec![5, 5, 0], Some(ledger.tenants[1])));
    assert_eq!(ledger.claim(turn(100, 2, first.1)).await, (vec![0, 0, 5], None));

    // Published events are due again at last, whatever the window.
    ledger.app.clock.advance(chrono::TimeDelta::minutes(11));
    assert_eq!(ledger.claim(turn(100, 10, None)).await, (vec![5, 5, 5], None));
    ledger.app.stop().await;
}

/// Each second, the relay looks for events whose tenant is active again or whose number was connected.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_stay_held_or_unroutable_are_not_read() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let (suspended, active) = (app.tenant().await, app.tenant().await);
    let number = active.connect().await;
    let insert = |tenant: &str, status: &str, phone: &str, waba: &str, events: u32| {
        format!(
            "INSERT INTO webhook_events
               (id, tenant_id, app_id, kind, dedupe_key, status, received_at, phone_number_id, waba_id)
             SELECT gen_random_uuid(), {tenant}, 'deployment', 'message', gen_random_uuid(), '{status}', now(), {phone}, {waba}
               FROM generate_series(1, {events}) AS n;"
        )
    };
    let (known, held) = (format!("'{}'", number.phone_number_id), |tenant: &str| format!("'{tenant}'"));
    let rows = [
        format!("UPDATE tenants SET status = 'suspended' WHERE id = '{}';", suspended.id),
        insert(&held(&suspended.id), "held", "NULL", "NULL", 20_000),
        insert(&held(&active.id), "held", "NULL", "NULL", 2),
        insert("NULL", "unroutable", "n::text", "NULL", 20_000),
        insert("NULL", "unroutable", "NULL", "'w' || n", 20_000),
        insert("NULL", "unroutable", &known, "NULL", 2),
        "SELECT pg_stat_force_next_flush();".to_owned(),
    ];
    app.database.execute(&rows.concat()).await;
    let read = "SELECT (seq_tup_read + idx_tup_fetch)::bigint AS count FROM pg_stat_user_tables WHERE relname = 'webhook_events'";
    let before = app.database.count(read).await;
    assert_eq!(requeue_held_and_unroutable(&app.postgres, 100, &*app.clock).await.unwrap(), 4);
    // A connection that is used again reports its statistics after a second.
    let read = wait::until("the statistics", async || {
        assert_eq!(requeue_held_and_unroutable(&app.postgres, 100, &*app.clock).await.unwrap(), 0);
        let read = app.database.count(read).await - before;
        (read > 0).then_some(read)
    })
    .await;
    assert!(read < 5_000, "{read} rows were read");
    app.stop().await;
}
