//! System roles of tenants that signed up before a release changed the roles.

use std::collections::BTreeSet;

use kernel::{Permission, SystemClock};
use postgres::{MigrationReport, migrate};
use rbac::SystemRole;
use serde_json::json;

use crate::kit::api::Role;
use crate::kit::app::{Settings, TestApp};
use crate::kit::services::services;
use crate::kit::users::{new_role, role_of};

#[tokio::test(flavor = "multi_thread")]
async fn migration_updates_system_roles_only() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let (tenant, untouched) = (app.tenant().await, app.tenant().await);
    let custom = new_role(&tenant.client, "sales", &["crm:read"]).await;
    let viewer = app.user(&tenant, Some("viewer")).await;
    let before: Vec<Role> = untouched.client.all().await;
    let urls = app.database.migrate_urls(&services().await.database_url);
    let run = async || migrate(&urls, &SystemClock::new()).await.unwrap();
    assert_eq!(run().await, MigrationReport::default(), "new tenants are up to date");

    // The state of an older release: one role with an additional permission, one with one less, one with another name,
    // one missing.
    let older = "
        INSERT INTO role_permissions SELECT tenant_id, id, 'audit:read' FROM roles WHERE tenant_id = '$T' AND key = 'viewer';
        DELETE FROM role_permissions WHERE permission = 'tenant:write' AND role_id IN
          (SELECT id FROM roles WHERE tenant_id = '$T' AND key = 'owner');
        UPDATE roles SET name = 'Clerk' WHERE tenant_id = '$T' AND key = 'agent';
        DELETE FROM roles WHERE tenant_id = '$T' AND key = 'billing';";
    app.execute_for(&tenant, older).await;
    tenant.client.get("/tenant").await.json(200);
    tenant.client.patch("/tenant", &json!({"name": "New"})).await.problem(403, "insufficient_scope");
    viewer.client.get("/audit-log").await.json(200);

    assert_eq!(run().await, MigrationReport { system_roles: 4, ..MigrationReport::default() });
    for role in SystemRole::ALL {
        let stored = role_of(&tenant, role.key().as_str()).await;
        let expected: BTreeSet<&str> = role.permissions().iter().map(Permission::key).collect();
        let permissions: BTreeSet<&str> = stored.permissions.iter().map(String::as_str).collect();
        assert_eq!(permissions, expected, "{stored:?}");
        assert_eq!((stored.name.as_str(), stored.system), (role.name().as_str(), true));
        let version = if matches!(role, SystemRole::Admin | SystemRole::Billing) { 1 } else { 2 };
        assert_eq!(stored.version, version, "{stored:?}");
    }
    assert_eq!(role_of(&tenant, "sales").await, custom, "custom roles do not change");
    assert_eq!(tenant.client.all::<Role>().await.len(), 6);
    tenant.client.patch("/tenant", &json!({"name": "New"})).await.json(200);
    viewer.client.get("/audit-log").await.problem(403, "insufficient_scope");
    assert_eq!(untouched.client.all::<Role>().await, before);
    assert_eq!(run().await, MigrationReport::default(), "a second run changes nothing");
    app.stop().await;
}
