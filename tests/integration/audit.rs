//! The audit logs are append-only and tamper-evident.

mod forgery;
mod platform;
mod retention;

use ::audit::{Action, AuditRepo, Principal, Record, RequestOrigin};
use diesel_async::SimpleAsyncConnection;
use flows::{Database as _, SealingRun, seal_audit_logs, settle};
use futures_util::future::join_all;
use kernel::TenantScope;
use postgres::Postgres;
use serde_json::json;
use tokens::KeyScope;

use crate::kit::api::{AuditRecord, AuditVerification, Page, Party, Resource as _, User, column};
use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant};
use crate::kit::meta::Number;
use crate::kit::operators;
use crate::kit::token_forger::key_ring;
use crate::kit::users::log_in;

async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

#[expect(clippy::disallowed_methods, reason = "the tenant is this test's")]
fn scope(tenant: &TestTenant) -> TenantScope {
    TenantScope::mint(tenant.id.parse().unwrap())
}

async fn write(app: &TestApp, tenant: &TestTenant, text: &str) {
    write_by(&app.postgres, app, tenant, text).await;
}

async fn write_by(postgres: &Postgres, app: &TestApp, tenant: &TestTenant, text: &str) {
    let record = Record::new(Principal::CommandLine, RequestOrigin::default(), Action::EventDiscarded, &*app.clock)
        .about("webhook_event", &text)
        .with("reason", text);
    let mut tx = postgres.tenant(&scope(tenant)).await.unwrap();
    let appended = AuditRepo::append_audit_record(&mut *tx, &record).await;
    settle(tx, appended).await.unwrap();
}

/// A tenant with an empty log, without the record of its sign-up.
async fn tenant_with_empty_log(app: &TestApp) -> TestTenant {
    let tenant = app.tenant().await;
    let forget = ["audit_records", "audit_unsealed", "audit_seals"]
        .map(|table| format!("DELETE FROM {table} WHERE tenant_id = '{}'", tenant.id));
    tamper(app, &forget.join("; ")).await;
    tenant
}

/// Seals as the scheduler does, with the test server's key.
async fn run_sealer(app: &TestApp) -> SealingRun {
    seal_audit_logs(&app.postgres, &key_ring(), &*app.clock).await
}

/// The same, where nothing fails and nothing is forged. Returns the number of sealed records.
async fn seal(app: &TestApp) -> usize {
    let run = run_sealer(app).await;
    assert!(run.failures.is_empty() && run.forged.is_empty(), "{run:?}");
    run.sealed.total()
}

async fn records(tenant: &TestTenant, query: &str) -> Vec<AuditRecord> {
    tenant.client.list(&format!("/audit-log{query}")).await
}

async fn verify(tenant: &TestTenant) -> AuditVerification {
    tenant.client.read("/audit-log/verify").await
}

/// Runs a statement with triggers disabled, as the owner of the database can.
async fn tamper(app: &TestApp, statement: &str) {
    app.database.execute(&format!("SET session_replication_role = replica; {statement}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_owner_cannot_change_or_delete_records() {
    let app = isolated_app().await;
    let tenant = tenant_with_empty_log(&app).await;
    write(&app, &tenant, "one").await;
    seal(&app).await;
    app.client.get("/platform/audit-log").await.problem(401, "unauthenticated");
    let mut admin = app.database.admin().await;
    for table in ["audit_records", "audit_seals", "platform_audit_records", "platform_audit_seals"] {
        let rows = format!("SELECT count(*) FROM {table}");
        assert!(app.database.count(&rows).await > 0, "{table} has rows");
        let key = if table.ends_with("_seals") { "sequence" } else { "id" };
        for change in
            [format!("UPDATE {table} SET {key} = {key}"), format!("DELETE FROM {table}"), format!("TRUNCATE {table}")]
        {
            let error = admin.batch_execute(&format!("SET ROLE parley_owner; {change}")).await.unwrap_err().to_string();
            assert!(error.contains("never changed or deleted"), "{change}: {error}");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_leave_one_unbroken_chain() {
    let app = isolated_app().await;
    let (tenant, other) = (tenant_with_empty_log(&app).await, tenant_with_empty_log(&app).await);
    // The records of the operators' log.
    seal(&app).await;
    let texts: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let writers = join_all(texts.iter().map(|text| write(&app, &tenant, text)));
    let sealers = join_all((0..3).map(|_| async {
        let mut sealed = 0;
        for _ in 0..10 {
            sealed += seal(&app).await;
        }
        sealed
    }));
    let (_, sealed) = tokio::join!(writers, sealers);
    let rest = seal(&app).await;
    assert_eq!(sealed.iter().sum::<usize>() + rest, 200);
    let found = verify(&tenant).await;
    assert_eq!((found.valid, found.sealed, found.unsealed), (true, 200, 0));
    assert_eq!(found.head.unwrap().sequence, 200);
    let empty = AuditVerification {
        valid: true,
        sealed: 0,
        unsealed: 0,
        unsigned: 0,
        summarised: None,
        head: None,
        damage: Vec::new(),
    };
    assert_eq!(verify(&other).await, empty);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_by_database_owner_is_detected() {
    let app = isolated_app().await;
    let rows = [
        ("UPDATE audit_records SET changes = '{\"reason\": \"another\"}' WHERE id = '$3'", "changed", Some(3), true),
        ("UPDATE audit_records SET actor_id = '1' WHERE id = '$3'", "changed", Some(3), true),
        (
            "UPDATE audit_records SET occurred_at = occurred_at - interval '1 day' WHERE id = '$3'",
            "changed",
            Some(3),
            true,
        ),
        ("DELETE FROM audit_records WHERE id = '$3'", "removed", Some(3), true),
        (
            "DELETE FROM audit_records WHERE id = '$3'; DELETE FROM audit_seals WHERE record_id = '$3'",
            "missing",
            Some(3),
            false,
        ),
        (
            "INSERT INTO audit_records SELECT tenant_id, gen_random_uuid(), occurred_at, actor_kind, actor_id, address,
                    request_id, action, target_kind, target_id, outcome, changes FROM audit_records WHERE id = '$3'",
            "inserted",
            None,
            false,
        ),
    ];
    for (statement, kind, sequence, is_named) in rows {
        let tenant = tenant_with_empty_log(&app).await;
        for text in ["one", "two", "three", "four", "five"] {
            write(&app, &tenant, text).await;
            seal(&app).await;
        }
        assert!(verify(&tenant).await.valid);
        let all = records(&tenant, "").await;
        let third = &all.iter().find(|record| record.sequence == Some(3)).unwrap().id;
        tamper(&app, &statement.replace("$3", third)).await;
        let found = verify(&tenant).await;
        assert!(!found.valid, "{statement}");
        let damage = &found.damage;
        assert_eq!(damage.len(), 1, "{statement}: {damage:#?}");
        assert_eq!((damage[0].kind.as_str(), damage[0].sequence), (kind, sequence), "{statement}");
        assert_eq!(damage[0].record_id.as_ref() == Some(third), is_named, "{statement}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_seals_new_records() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = tenant_with_empty_log(&app).await;
    write(&app, &tenant, "one").await;
    crate::kit::wait::until("the record to be sealed", async || (verify(&tenant).await.sealed == 1).then_some(()))
        .await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_log_is_listed_filtered_exported_isolated() {
    let app = isolated_app().await;
    let (tenant, other) = (tenant_with_empty_log(&app).await, tenant_with_empty_log(&app).await);
    for n in 0..7 {
        write(&app, &tenant, &n.to_string()).await;
        app.clock.advance(chrono::TimeDelta::seconds(1));
    }
    let all = records(&tenant, "").await;
    let about = column(&all, AuditRecord::target_id);
    assert_eq!(about, ["6", "5", "4", "3", "2", "1", "0"], "latest first");
    assert_eq!(all[0].actor, Party::without_id("command_line"));
    assert_eq!((&all[0].changes, all[0].outcome.as_str()), (&json!({"reason": "6"}), "done"));
    assert_eq!(records(&tenant, "?target=3").await.len(), 1);
    assert_eq!(records(&tenant, "?action=webhook_event.discarded").await.len(), 7);
    assert_eq!(records(&tenant, "?action=webhook_event.replayed").await.len(), 0);
    assert_eq!(records(&tenant, "?outcome=refused").await.len(), 0);
    let middle = &all[3].occurred_at;
    assert_eq!(records(&tenant, &format!("?from={middle}")).await.len(), 4);
    assert_eq!(records(&tenant, &format!("?to={middle}")).await.len(), 3);
    for query in ["?limit=0", "?from=yesterday", "?actor_id=1"] {
        tenant.client.get(&format!("/audit-log{query}")).await.problem(400, "invalid_query");
    }
    let page: Page<AuditRecord> = tenant.client.read("/audit-log?limit=4").await;
    let cursor = page.cursor();
    assert_eq!(records(&tenant, &format!("?cursor={cursor}")).await, all[4..]);
    other.client.get(&format!("/audit-log?cursor={cursor}")).await.problem(400, "invalid_cursor");
    assert_eq!(records(&other, "").await, []);

    for n in 7..250 {
        write(&app, &tenant, &n.to_string()).await;
    }
    let export = tenant.client.get("/audit-log/export").await;
    assert_eq!((export.status.as_u16(), export.header("content-type")), (200, "application/x-ndjson"));
    let lines: Vec<AuditRecord> = export.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 250);
    assert_eq!(lines[..100], records(&tenant, "?limit=100").await);
    assert_eq!(tenant.client.get("/audit-log/export?target=3").await.text.lines().count(), 1);
    assert_eq!(other.client.get("/audit-log/export").await.text, "");
    let reader = app.user_with_permissions(&tenant, &["crm:read"]).await.client;
    for path in ["/audit-log", "/audit-log/export", "/audit-log/verify"] {
        reader.get(path).await.problem(403, "insufficient_scope");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_actions_are_in_platform_log() {
    let app = isolated_app().await;
    let (_, _, client) = operators::key(&app, &[KeyScope::AuditRead], None).await;
    app.client.get("/platform/audit-log").await.problem(401, "unauthenticated");
    client.get("/tenants").await.problem(403, "insufficient_scope");
    let log = client.get("/platform/audit-log").await;
    let records = log.body::<Page<AuditRecord>>(200).data;
    let actions = column(&records, |record| record.action.as_str());
    assert_eq!(actions, ["operator.refused", "provisioning_key.created", "signing_key.moved"]);
    assert_eq!(records[0].target, Some(Party::new("endpoint", "GET /tenants")));
    assert_eq!((records[0].outcome.as_str(), records[0].address.as_deref()), ("refused", Some(app.client.address())));
    assert!(!log.text.contains("parley_pk_"), "no secret is logged");
    let refused: Vec<AuditRecord> = client.list("/platform/audit-log?outcome=refused").await;
    assert_eq!(refused.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_actions_are_in_tenant_log() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let (owner, client) = (tenant.client.clone(), app.client.with_fresh_address());
    log_in(&client, &tenant.slug, &tenant.email, "wrong password").await.problem(401, "invalid_credentials");
    log_in(&client, &tenant.slug, "nobody@example.com", PASSWORD).await.problem(401, "invalid_credentials");
    log_in(&client, "no-such-tenant", &tenant.email, PASSWORD).await.problem(401, "invalid_credentials");
    log_in(&client, &tenant.slug, &tenant.email, PASSWORD).await.json(200);
    let changed = json!({"current_password": PASSWORD, "new_password": "staple of another horse"});
    owner.post("/auth/password", &json!({"current_password": "wrong", "new_password": PASSWORD})).await.expect(403);
    owner.post("/auth/password", &changed).await.expect(204);
    let grace = json!({"email": "grace@example.com", "password": PASSWORD});
    let path = owner.create::<User>(&grace).await.path();
    owner.patch(&path, &json!({"name": "Grace"})).await.json(200);
    owner.patch(&path, &json!({"status": "suspended"})).await.json(200);
    owner.patch(&path, &json!({"status": "active"})).await.json(200);
    owner.delete(&path).await.expect(204);
    owner.delete(&path).await.expect(404);
    let register = json!({"email": "ada@example.com", "password": PASSWORD});
    app.client.with_fresh_address().with("x-tenant-id", &tenant.slug).post("/auth/register", &register).await.json(201);
    owner.patch("/tenant", &json!({"self_registration": "closed"})).await.json(200);
    let account = tenant.connect_number(&Number::fresh()).await.path();
    owner.patch(&account, &json!({"name": "Sales"})).await.json(200);
    owner.delete(&account).await.expect(204);

    let answer = owner.get("/audit-log?limit=100").await;
    let mut records = answer.body::<Page<AuditRecord>>(200).data;
    records.reverse();
    let actions = column(&records, |record| (record.action.as_str(), record.outcome.as_str()));
    assert_eq!(
        actions,
        [
            ("tenant.created", "done"),
            ("user.logged_in", "refused"),
            ("user.logged_in", "refused"),
            ("user.logged_in", "done"),
            ("user.password_changed", "refused"),
            ("user.password_changed", "done"),
            ("user.created", "done"),
            ("user.changed", "done"),
            ("user.suspended", "done"),
            ("user.reactivated", "done"),
            ("user.deleted", "done"),
            ("user.registered", "done"),
            ("tenant.changed", "done"),
            ("whatsapp_account.connected", "done"),
            ("whatsapp_account.changed", "done"),
            ("whatsapp_account.disconnected", "done"),
        ]
    );
    let reasons = column(&records[1..3], |record| &record.changes["reason"]);
    assert_eq!(reasons, ["wrong_password", "unknown_user"]);
    for secret in [PASSWORD, "staple of another horse", "wrong password", "grace@example.com"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    let elsewhere = "SELECT count(*) FROM platform_audit_records
                      WHERE action = 'user.logged_in' AND outcome = 'refused' AND target_id = 'no-such-tenant'";
    assert_eq!(app.database.count(elsewhere).await, 1);
    app.finish().await;
}
