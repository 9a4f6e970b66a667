//! Records that the application did not write, or that were changed before they were sealed, are found; nothing that
//! is in the database of one tenant stops the seals of others.

use audit::{Log, SealedRecords, oldest_unsealed, verify_log};
use chrono::TimeDelta;
use flows::{Database as _, SealingRun, seal_audit_logs, settle};
use kernel::Clock as _;
use kernel::seal::KeyRing;

use super::{isolated_app, run_sealer, scope, seal, tamper, tenant_with_empty_log, verify, write, write_by};
use crate::kit::api::AuditVerification;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::operators::operator;

/// The kind and the sequence number of each damage.
fn kinds(found: &AuditVerification) -> Vec<(&str, Option<i64>)> {
    found.damage.iter().map(|damage| (damage.kind.as_str(), damage.sequence)).collect()
}

/// The logs of tenants in which records were found forged, or stay unsealed.
fn forged_and_failed(run: &SealingRun) -> (Vec<Log>, Vec<Option<Log>>) {
    (run.forged.iter().map(|(log, _)| *log).collect(), run.failures.iter().map(|(log, _)| *log).collect())
}

fn log(tenant: &TestTenant) -> Log {
    Log::Tenant(tenant.id.parse().unwrap())
}

/// Inserts a copy of the tenant's records, with these values of the key's id and the MAC, to be sealed.
async fn insert_copy(app: &TestApp, tenant: &TestTenant, key_id: &str, mac: &str) {
    let insert = format!(
        "INSERT INTO audit_records (tenant_id, id, occurred_at, actor_kind, action, outcome, changes, mac_key_id, mac)
         SELECT tenant_id, gen_random_uuid(), occurred_at, actor_kind, action, outcome, changes, {key_id}, {mac}
           FROM audit_records WHERE tenant_id = '{id}';
         INSERT INTO audit_unsealed SELECT tenant_id, r.id FROM audit_records r WHERE tenant_id = '{id}'
           AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.record_id = r.id)",
        id = tenant.id
    );
    app.database.execute(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_changed_before_seal_is_found() {
    let app = isolated_app().await;
    let tenant = tenant_with_empty_log(&app).await;
    write(&app, &tenant, "one").await;
    app.clock.advance(TimeDelta::seconds(1));
    write(&app, &tenant, "two").await;
    let change =
        format!("UPDATE audit_records SET outcome = 'refused' WHERE tenant_id = '{}' AND target_id = 'one'", tenant.id);
    tamper(&app, &change).await;
    assert_eq!(kinds(&verify(&tenant).await), [("forged", None)]);

    let run = run_sealer(&app).await;
    assert_eq!(forged_and_failed(&run), (vec![log(&tenant)], Vec::new()));
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.unsealed), (false, 2, 0));
    assert_eq!(kinds(&found), [("forged", Some(1))]);

    write(&app, &tenant, "three").await;
    assert_eq!(seal(&app).await, 1, "the chain goes on");
    assert_eq!(kinds(&verify(&tenant).await), [("forged", Some(1))]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_inserted_by_sql_is_found() {
    let app = isolated_app().await;
    for (key_id, mac) in [("NULL", "NULL"), ("mac_key_id", "mac")] {
        let tenant = tenant_with_empty_log(&app).await;
        write(&app, &tenant, "one").await;
        seal(&app).await;
        insert_copy(&app, &tenant, key_id, mac).await;
        assert_eq!(forged_and_failed(&run_sealer(&app).await), (vec![log(&tenant)], Vec::new()), "{mac}");
        let found = verify(&tenant).await;
        assert_eq!((found.sealed, kinds(&found)), (2, vec![("forged", Some(2))]), "{mac}");
    }

    let tenant = tenant_with_empty_log(&app).await;
    write(&app, &tenant, "one").await;
    seal(&app).await;
    insert_copy(&app, &tenant, "'unknown'", "mac").await;
    write(&app, &tenant, "two").await;
    let run = run_sealer(&app).await;
    assert_eq!((forged_and_failed(&run), run.sealed.total()), ((Vec::new(), vec![Some(log(&tenant))]), 1));
    let found = verify(&tenant).await;
    assert_eq!((found.sealed, found.unsealed, kinds(&found)), (2, 1, vec![("unknown_key", None)]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_tenant_does_not_stop_others() {
    let app = isolated_app().await;
    // Tenants are sealed by id, so the first one fails before the other.
    let (failing, other) = (tenant_with_empty_log(&app).await, tenant_with_empty_log(&app).await);
    seal(&app).await;
    for tenant in [&failing, &other] {
        write(&app, tenant, "one").await;
    }
    let written = app.clock.now();
    let last = format!(
        "INSERT INTO audit_seals (tenant_id, sequence, record_id, key_id, hash, sealed_at)
         VALUES ('{}', 9223372036854775807, gen_random_uuid(), 'test', decode(repeat('00', 32), 'hex'), now())",
        failing.id
    );
    app.database.execute(&last).await;
    app.clock.advance(TimeDelta::minutes(10));
    let run = run_sealer(&app).await;
    assert_eq!((forged_and_failed(&run), run.sealed.total()), ((Vec::new(), vec![Some(log(&failing))]), 1));

    let mut tx = app.postgres.directory().await.unwrap();
    let oldest = oldest_unsealed(&mut *tx).await;
    let oldest = settle(tx, oldest).await.unwrap().unwrap();
    assert!((written - oldest).abs() <= TimeDelta::milliseconds(1), "{oldest} is not {written}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_verify_after_key_rotation() {
    let app = isolated_app().await;
    let tenant = tenant_with_empty_log(&app).await;
    let ring = |ids: &[(&str, u8)]| {
        KeyRing::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
    };
    write(&app, &tenant, "sealed before").await;
    seal(&app).await;
    write(&app, &tenant, "sealed after").await;
    let rotated = || ring(&[("new", 8), ("test", 7)]);
    let postgres = app.database.postgres_with_keys(rotated());
    write_by(&postgres, &app, &tenant, "written after").await;
    let run = seal_audit_logs(&postgres, &rotated(), &*app.clock).await;
    assert_eq!(run.sealed, SealedRecords { signed: 2, unsigned: 0, forged: 0 });

    let found = async |ring: KeyRing| {
        let mut tx = postgres.tenant(&scope(&tenant)).await.unwrap();
        let found = verify_log(operator().into(), &mut *tx, &ring).await;
        settle(tx, found).await.unwrap()
    };
    let verified = found(rotated()).await;
    assert_eq!((verified.sealed, verified.damage), (3, Vec::new()));
    assert_eq!(found(ring(&[("new", 8)])).await.damage.len(), 1, "the first seal's key is not configured");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_record_carries_mac() {
    let app = isolated_app().await;
    let tenant = app.tenant().await.log_in_again(&app).await;
    let logins = format!(
        "SELECT count(*) FROM audit_records WHERE tenant_id = '{}' AND action = 'user.logged_in' AND mac IS NOT NULL",
        tenant.id
    );
    assert_eq!(app.database.count(&logins).await, 1);
    let run = run_sealer(&app).await;
    assert_eq!((run.sealed.unsigned, run.sealed.forged), (0, 0));
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.unsigned), (true, 2, 0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_from_before_upgrade_are_sealed_as_unsigned() {
    let app = isolated_app().await;
    let tenant = tenant_with_empty_log(&app).await;
    write(&app, &tenant, "one").await;
    // As an earlier version wrote them.
    tamper(
        &app,
        "UPDATE audit_records SET mac = NULL, mac_key_id = NULL;
         UPDATE platform_audit_records SET mac = NULL, mac_key_id = NULL",
    )
    .await;
    let run = run_sealer(&app).await;
    assert_eq!((run.sealed.signed, run.sealed.forged, run.failures.len()), (0, 0, 0), "{run:?}");
    assert!(run.sealed.unsigned >= 2, "{run:?}");
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.unsigned), (true, 1, 1));

    // A day later all servers are of the current version.
    app.clock.advance(TimeDelta::days(1));
    insert_copy(&app, &tenant, "NULL", "NULL").await;
    assert_eq!(forged_and_failed(&run_sealer(&app).await), (vec![log(&tenant)], Vec::new()));
    app.finish().await;
}
