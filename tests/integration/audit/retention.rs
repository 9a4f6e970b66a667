//! Old records are replaced by a summary, and the log is verified from there on.

use std::future::ready;
use std::sync::Arc;

use audit::{LogDamage, LogVerification, PurgeRecordsError, verify_platform_log};
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use flows::{AuditPurge, Database as _, purge_audit_logs, settle};
use futures_util::future::BoxFuture;
use inbound::{QueueDepth, QueueError, QueueInspector, RetentionPolicy};
use kernel::Retention;
use pipeline::Scheduler;
use serde_json::json;
use tokens::KeyScope;
use tokio_util::sync::CancellationToken;

use super::{isolated_app, records, run_sealer, seal, tamper, tenant_with_empty_log, verify, write};
use crate::kit::api::{AuditVerification, Party};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::operators::{key, operator};
use crate::kit::token_forger::key_ring;
use crate::kit::wait;

const KEEP: TimeDelta = TimeDelta::days(1_095);

/// Time is moved back, since the database refuses to delete what is not old by its own clock.
const AGO: TimeDelta = TimeDelta::days(1_200);

async fn purge(app: &TestApp) -> AuditPurge {
    purge_audit_logs(&app.postgres, &key_ring(), &*app.clock, KEEP).await
}

/// The same, where nothing fails.
async fn purged(app: &TestApp) -> i64 {
    let run = purge(app).await;
    assert!(run.failures.is_empty() && !run.is_incomplete, "{run:?}");
    run.records
}

/// A broker without queues.
struct NoQueues;

impl QueueInspector for NoQueues {
    fn queues<'a, 'b>(&'a self) -> BoxFuture<'b, Result<Vec<QueueDepth>, QueueError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(ready(Ok(Vec::new())))
    }
}

fn scheduler(app: &TestApp) -> Scheduler {
    Scheduler {
        database: Arc::new(app.postgres.clone()),
        queues: Arc::new(NoQueues),
        clock: app.clock.clone(),
        events: RetentionPolicy::default(),
        retention: Retention::default(),
        ring: Arc::new(key_ring()),
    }
}

async fn verify_platform(app: &TestApp) -> LogVerification {
    let mut tx = app.postgres.operator().await.unwrap();
    let found = verify_platform_log(operator(), &mut *tx, &key_ring()).await;
    settle(tx, found).await.unwrap()
}

/// The kind and the position.
type Damage<'a> = (&'a str, Option<i64>);

fn kinds(found: &AuditVerification) -> Vec<Damage<'_>> {
    found.damage.iter().map(|damage| (damage.kind.as_str(), damage.sequence)).collect()
}

/// A tenant with three old sealed records, and two new ones of which the last is unsealed. Its token is of the present.
async fn tenant_with_old_log(app: &TestApp) -> TestTenant {
    let tenant = tenant_with_empty_log(app).await;
    app.clock.advance(-AGO);
    for text in ["one", "two", "three"] {
        write(app, &tenant, text).await;
    }
    seal(app).await;
    app.clock.advance(AGO);
    write(app, &tenant, "four").await;
    seal(app).await;
    write(app, &tenant, "five").await;
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn old_audit_records_are_summarised_and_log_verifies() {
    let app = isolated_app().await;
    let tenant = tenant_with_old_log(&app).await;
    let before = verify(&tenant).await;
    assert_eq!((before.valid, before.sealed, before.unsealed, before.summarised), (true, 4, 1, None));
    assert_eq!(purged(&app).await, 3);
    assert_eq!(purged(&app).await, 0);

    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.unsealed, found.head), (true, 1, 1, before.head));
    let summary = found.summarised.unwrap();
    assert_eq!((summary.records, summary.last_sequence, summary.unsigned, summary.forged), (3, 3, 0, 0));
    let left: Vec<Option<i64>> = records(&tenant, "").await.iter().map(|record| record.sequence).collect();
    assert_eq!(left, [None, Some(4)]);
    seal(&app).await;
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.head.unwrap().sequence), (true, 2, 5), "the chain goes on");

    let recorded = app
        .database
        .text("SELECT actor_kind || ' ' || target_id || ' ' || changes::text AS finding FROM platform_audit_records WHERE action = 'audit_log.purged'")
        .await;
    let (who, changes) = recorded.split_once(" {").unwrap();
    assert_eq!(who, format!("system {}", tenant.id));
    let changes: serde_json::Value = serde_json::from_str(&format!("{{{changes}")).unwrap();
    assert_eq!((&changes["records"], &changes["last_sequence"]), (&json!(3), &json!(3)));
    assert_eq!(changes["last_hash"], json!(summary.last_hash));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_records_are_purged_in_chunks() {
    let app = isolated_app().await;
    let tenant = tenant_with_empty_log(&app).await;
    seal(&app).await;
    app.clock.advance(-AGO);
    for number in 0..1_102 {
        write(&app, &tenant, &number.to_string()).await;
    }
    assert_eq!(seal(&app).await, 1_102);
    app.clock.advance(AGO);
    assert_eq!(purged(&app).await, 1_101, "the last sealed record stays");
    let chunks = "SELECT count(*) FROM platform_audit_records WHERE action = 'audit_log.purged'";
    assert_eq!(app.database.count(chunks).await, 2);
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.summarised.unwrap().records), (true, 1, 1_101));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_after_purge_is_found() {
    let app = isolated_app().await;
    let rows: [(&str, &[Damage]); 5] = [
        ("UPDATE audit_summaries SET sequence = 2, records = 2", &[("forged", Some(2)), ("missing", Some(1))]),
        ("UPDATE audit_summaries SET last_at = last_at + interval '1 s'", &[("forged", Some(3)), ("missing", Some(1))]),
        ("DELETE FROM audit_summaries", &[("missing", Some(1))]),
        ("DELETE FROM audit_records WHERE target_id = 'four'", &[("removed", Some(4))]),
        (
            "DELETE FROM audit_seals s USING audit_records r WHERE r.id = s.record_id AND r.target_id = 'four';
             DELETE FROM audit_records WHERE target_id = 'four'",
            &[("missing", Some(4))],
        ),
    ];
    for (change, damage) in rows {
        let tenant = tenant_with_old_log(&app).await;
        assert!(seal(&app).await > 0);
        assert_eq!(purged(&app).await, 3);
        assert!(verify(&tenant).await.valid);
        tamper(&app, change).await;
        let found = verify(&tenant).await;
        assert_eq!((found.valid, kinds(&found).as_slice()), (false, damage), "{change}");
        tamper(&app, &format!("DELETE FROM audit_records WHERE tenant_id = '{}'", tenant.id)).await;
        tamper(&app, &format!("DELETE FROM audit_seals WHERE tenant_id = '{}'", tenant.id)).await;
        tamper(&app, &format!("DELETE FROM audit_summaries WHERE tenant_id = '{}'", tenant.id)).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_purges_old_audit_records() {
    let app = isolated_app().await;
    let tenant = tenant_with_old_log(&app).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(scheduler(&app).run(stop.clone()));
    let found =
        wait::until("the purge", async || Some(verify(&tenant).await).filter(|it| it.summarised.is_some())).await;
    assert_eq!((found.valid, found.summarised.map(|summary| summary.records)), (true, Some(3)));
    stop.cancel();
    running.await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_records_are_not_purged() {
    let app = isolated_app().await;
    let tenant = tenant_with_old_log(&app).await;
    tamper(&app, "UPDATE audit_records SET outcome = 'refused' WHERE target_id = 'two'").await;
    let run = purge(&app).await;
    assert_eq!(run.records, 1);
    assert!(matches!(run.failures[..], [(Some(_), PurgeRecordsError::Damaged { sequence: 2 })]), "{run:?}");
    assert_eq!(kinds(&verify(&tenant).await), [("changed", Some(2))]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_of_operators_log_are_summarised() {
    let app = isolated_app().await;
    seal(&app).await;
    tamper(&app, "DELETE FROM platform_audit_records; DELETE FROM platform_audit_seals").await;
    app.clock.advance(-AGO);
    for _ in 0..3 {
        key(&app, &[KeyScope::AuditRead], None).await;
    }
    seal(&app).await;
    app.clock.advance(AGO);
    let sealed = verify_platform(&app).await.sealed;
    assert!(sealed > 1);
    run_sealer(&app).await;
    let run = purge(&app).await;
    assert!(run.failures.is_empty(), "{run:?}");
    let found = verify_platform(&app).await;
    assert!(found.is_clean(), "{found:?}");
    let summary = found.summarised.unwrap();
    assert_eq!(u64::try_from(summary.covered.records).unwrap(), sealed - 1);
    seal(&app).await;
    assert!(verify_platform(&app).await.is_clean());
    tamper(&app, "UPDATE platform_audit_summaries SET hash = sha256('x')").await;
    assert!(matches!(verify_platform(&app).await.damage[0], LogDamage::ForgedSummary { .. }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn purge_function_refuses_all_but_old_sealed_start() {
    let app = isolated_app().await;
    let tenant = tenant_with_old_log(&app).await;
    let call = |after: i64, before: &str, last: i64, hash_of: i64| {
        let id = &tenant.id;
        format!(
            "SELECT app.purge_audit_records('{id}', {after}, {before}, {last},
               (SELECT hash FROM audit_seals WHERE tenant_id = '{id}' AND sequence = {hash_of}), {last}, 0, 0, now(), now(),
               'kek', sha256(''))"
        )
    };
    let old = "now() - interval '1000 days'";
    let mut admin = app.database.admin().await;
    for (statement, refusal) in [
        (call(0, "now() - interval '29 days'", 3, 3), "last 30 days"),
        (call(0, "NULL", 3, 3), "last 30 days"),
        (call(0, old, 4, 4), "only sealed"),
        (call(0, old, 5, 4), "only sealed"),
        (call(0, old, 0, 1), "only sealed"),
        (call(0, "now() - interval '1300 days'", 3, 3), "only sealed"),
        (call(0, old, 3, 2), "has the hash"),
    ] {
        let error = admin.batch_execute(&statement).await.unwrap_err().to_string();
        assert!(error.contains(refusal), "{statement}: {error}");
    }
    admin.batch_execute(&call(2, old, 3, 3)).await.unwrap();
    for role in ["parley_app", "parley_owner"] {
        let delete = format!("SET ROLE {role}; DELETE FROM audit_records");
        let mut admin = app.database.admin().await;
        admin.batch_execute(&delete).await.unwrap_err();
    }
    let rows = format!("SELECT count(*) FROM audit_records WHERE tenant_id = '{}'", tenant.id);
    assert_eq!(app.database.count(&rows).await, 5, "nothing was deleted");
    assert_eq!(records(&tenant, "?target=five").await[0].actor, Party::without_id("command_line"));
    app.finish().await;
}
