//! The audit logs: added to, never changed.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;

use crate::kit::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_neither_changed_nor_deleted_by_whoever_owns_the_table() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let insert = format!(
        "INSERT INTO audit_records (tenant_id, id, occurred_at, actor_kind, action, outcome, changes)
           VALUES ('{0}', '{0}', now(), 'user', 'test', 'done', '{{}}');
         INSERT INTO platform_audit_records (id, occurred_at, actor_kind, action, outcome, changes)
           VALUES ('{0}', now(), 'user', 'test', 'done', '{{}}')",
        tenant.id
    );
    let mut admin = app.database.admin().await;
    admin.batch_execute(&insert).await.unwrap();
    for table in ["audit_records", "platform_audit_records"] {
        for change in ["UPDATE {} SET outcome = 'x'", "DELETE FROM {}", "TRUNCATE {}"] {
            let statement = format!("SET ROLE parley_owner; {}", change.replace("{}", table));
            let error = admin.batch_execute(&statement).await.unwrap_err().to_string();
            assert!(error.contains("never changed or deleted"), "{statement}: {error}");
        }
    }
    app.client.post("/auth/login", &json!({})).await.problem(400, "tenant_required");
    app.finish().await;
}
