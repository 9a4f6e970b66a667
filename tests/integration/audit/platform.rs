//! The operators' log is sealed and verified as those of tenants are.

use audit::{LogDamage, LogVerification, verify_platform_log};
use flows::{Database as _, settle};
use kernel::seal::KeyRing;
use tokens::KeyScope;

use super::{isolated_app, run_sealer, seal, tamper};
use crate::kit::api::{AuditRecord, Page};
use crate::kit::app::TestApp;
use crate::kit::operators::{key, operator};
use crate::kit::token_forger::key_ring;

async fn verify(app: &TestApp) -> LogVerification {
    let ring: KeyRing = key_ring();
    let mut tx = app.postgres.operator().await.unwrap();
    let found = verify_platform_log(operator(), &mut *tx, &ring).await;
    settle(tx, found).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_log_verifies_and_change_is_found() {
    let app = isolated_app().await;
    let (_, _, client) = key(&app, &[KeyScope::AuditRead], None).await;
    let unsealed = verify(&app).await;
    assert_eq!((unsealed.sealed, unsealed.unsealed, unsealed.is_clean()), (0, 2, true));
    assert_eq!(seal(&app).await, 2);
    let found = verify(&app).await;
    assert_eq!((found.sealed, found.unsealed, found.unsigned, found.is_clean()), (2, 0, 0, true));
    let page: Page<AuditRecord> = client.read("/platform/audit-log").await;
    let sequences: Vec<Option<i64>> = page.data.iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [Some(2), Some(1)]);

    tamper(&app, "UPDATE platform_audit_records SET outcome = 'refused' WHERE action = 'provisioning_key.created'")
        .await;
    assert!(matches!(verify(&app).await.damage[..], [LogDamage::Changed { sequence: 2, .. }]));
    tamper(&app, "DELETE FROM platform_audit_records WHERE action = 'provisioning_key.created'").await;
    assert!(matches!(verify(&app).await.damage[..], [LogDamage::Removed { sequence: Some(2), .. }]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_inserted_into_platform_log_is_found() {
    let app = isolated_app().await;
    seal(&app).await;
    let insert = "INSERT INTO platform_audit_records (id, occurred_at, actor_kind, action, outcome, changes)
        VALUES (gen_random_uuid(), now(), 'command_line', 'plan.changed', 'done', '{}')";
    app.database.execute(insert).await;
    let run = run_sealer(&app).await;
    assert_eq!((run.sealed.forged, run.sealed.total()), (1, 1));
    assert!(matches!(verify(&app).await.damage[..], [LogDamage::Forged { sequence: Some(2), .. }]));

    // Without the trigger that queues it.
    tamper(&app, insert).await;
    assert!(matches!(verify(&app).await.damage[..], [LogDamage::Forged { .. }, LogDamage::Inserted { .. }]));
    app.finish().await;
}
