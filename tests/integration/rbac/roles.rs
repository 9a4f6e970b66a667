//! Administering roles.

use futures_util::future::{join, join_all};
use kernel::Permission;
use serde_json::json;

use crate::kit::api::{self, AuditRecord, Page, Resource as _, Role, column};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::users::new_role;

/// The audit records of changes of roles and memberships, oldest first.
async fn role_records(tenant: &TestTenant) -> Vec<AuditRecord> {
    let mut records: Vec<AuditRecord> = tenant.client.list("/audit-log?limit=100").await;
    records.retain(|record| record.action.starts_with("role.") || record.action.starts_with("membership."));
    records.reverse();
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_listed_with_implied_ones() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let list: Page<api::Permission> = tenant.client.read("/permissions").await;
    assert_eq!(list.data.len(), Permission::ALL.len());
    for permission in Permission::ALL {
        let implies = permission.implies().map(|implied| implied.key().to_owned());
        assert!(list.data.contains(&api::Permission { key: permission.key().to_owned(), implies }), "{permission}");
    }
    assert_eq!(list.next_cursor, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn role_is_created_read_changed_and_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let body = json!({"key": "sales", "name": " Sales ", "permissions": ["crm:write", "users:read", "crm:write"]});
    let made: Role = client.create(&body).await;
    assert_eq!((made.key.as_str(), made.name.as_str(), made.system), ("sales", "Sales", false));
    assert_eq!(made.permissions, ["crm:read", "crm:write", "users:read"], "write implies read");
    assert_eq!(made.version, 1);
    client.post("/roles", &body).await.problem(409, "role_key_taken");
    let path = made.path();
    assert_eq!(client.reload(&made).await, made);

    let renamed: Role = client.patch(&path, &json!({"version": 1, "name": "Selling"})).await.body(200);
    assert_eq!((renamed.name.as_str(), renamed.version, renamed.key.as_str()), ("Selling", 2, "sales"));
    client.patch(&path, &json!({"version": 1, "name": "Other"})).await.problem(409, "stale_version");
    // An update without changes keeps the version.
    for unchanged in [json!({"version": 2}), json!({"version": 2, "name": "Selling"})] {
        assert_eq!(client.patch(&path, &unchanged).await.body::<Role>(200), renamed);
    }

    let permissions = format!("{path}/permissions");
    let replaced: Role =
        client.put(&permissions, &json!({"version": 2, "permissions": ["events:replay"]})).await.body(200);
    assert_eq!(replaced.permissions, ["events:read", "events:replay"]);
    assert_eq!(replaced.version, 3);
    client.put(&permissions, &json!({"version": 2, "permissions": []})).await.problem(409, "stale_version");
    assert_eq!(client.reload(&made).await, replaced);

    client.delete(&path).await.expect(204);
    client.get(&path).await.problem(404, "not_found");
    client.delete(&path).await.problem(404, "not_found");
    client.patch(&path, &json!({"version": 3, "name": "X"})).await.problem(404, "not_found");

    let records = role_records(&tenant).await;
    let actions = column(&records, |record| record.action.as_str());
    assert_eq!(actions, ["role.created", "role.changed", "role.changed", "role.deleted"]);
    assert!(records.iter().all(|record| record.target_id() == made.id && record.changes["key"] == "sales"));
    let (rename, replacement) = (&records[1].changes, &records[2].changes);
    assert_eq!((&rename["name_before"], &rename["name"]), (&json!("Sales"), &json!("Selling")));
    assert_eq!(replacement["permissions"], json!(["events:read", "events:replay"]));
    assert_eq!(replacement["permissions_before"], json!(["crm:read", "crm:write", "users:read"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_role_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let role = new_role(client, "sales", &["crm:read"]).await;
    let before: Vec<Role> = client.all().await;
    for (body, pointer) in [
        (json!({"name": "X"}), "/key"),
        (json!({"key": "x"}), "/name"),
        (json!({"key": "Not a key", "name": "X"}), "/key"),
        (json!({"key": "x", "name": ""}), "/name"),
        (json!({"key": "x", "name": "a\nb"}), "/name"),
        (json!({"key": "x", "name": "X", "permissions": ["crm:read", "crm:all"]}), "/permissions/1"),
        (json!({"key": "x", "name": "X", "permissions": "crm:read"}), "/permissions"),
        (json!({"key": "x", "name": "X", "system": true}), "/system"),
        (json!({"key": "x", "name": "X", "id": role.id}), "/id"),
    ] {
        let problem = client.post("/roles", &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    let path = role.path();
    for (patch, pointer) in [
        (json!({"name": "X"}), "/version"),
        (json!({"version": 1, "name": null}), "/name"),
        (json!({"version": 1, "key": "x"}), "/key"),
        (json!({"version": 1, "permissions": ["users:read"]}), "/permissions"),
        (json!({"version": "1"}), "/version"),
    ] {
        let problem = client.patch(&path, &patch).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    for (body, pointer) in [
        (json!({"permissions": []}), "/version"),
        (json!({"version": 1}), "/permissions"),
        (json!({"version": 1, "permissions": ["owner"]}), "/permissions/0"),
    ] {
        let answer = client.put(&format!("{path}/permissions"), &body).await;
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    assert_eq!(client.all::<Role>().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn role_name_is_unique_whatever_its_case_and_spaces() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let create = async |key: &str, name: &str| client.post("/roles", &json!({"key": key, "name": name})).await;
    let first: Role = create("first", "Équipe  Ventes").await.body(201);
    for taken in ["Équipe  Ventes", "équipe ventes", " ÉQUIPE VENTES ", "Owner", "owner"] {
        let problem = create("second", taken).await.problem(409, "role_name_taken");
        assert_eq!(problem.pointer(), "/name", "{taken}");
    }
    let second: Role = create("second", "Equipe Ventes").await.body(201);
    let rename = async |role: &Role, name: &str| {
        client.patch(&role.path(), &json!({"version": role.version, "name": name})).await
    };
    rename(&second, "équipe ventes").await.problem(409, "role_name_taken");
    assert_eq!(client.reload(&second).await, second);
    let renamed: Role = rename(&first, "équipe ventes").await.body(200);
    assert_eq!(renamed.name, "équipe ventes", "its own name in another case");
    // Another tenant's names do not matter.
    app.tenant().await.client.post("/roles", &json!({"key": "first", "name": "équipe ventes"})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_permission_is_named_in_the_error() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"key": "x", "name": "X", "permissions": ["crm:read", "crm:reed"]});
    let problem = tenant.client.post("/roles", &body).await.problem(422, "validation_failed");
    assert_eq!(problem.errors[0].detail, r#"no such permission: "crm:reed""#);
}

#[tokio::test(flavor = "multi_thread")]
async fn system_roles_cannot_be_changed() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let before: Vec<Role> = client.all().await;
    assert_eq!(before.len(), 5);
    for role in &before {
        assert_eq!((role.system, role.version), (true, 1), "{role:?}");
        let path = role.path();
        client.patch(&path, &json!({"version": 1, "name": "Mine"})).await.problem(409, "system_role");
        let body = json!({"version": 1, "permissions": ["crm:read"]});
        client.put(&format!("{path}/permissions"), &body).await.problem(409, "system_role");
        client.delete(&path).await.problem(409, "system_role");
        let body = json!({"key": role.key, "name": "Mine"});
        client.post("/roles", &body).await.problem(409, "role_key_taken");
    }
    assert_eq!(client.all::<Role>().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_role_cannot_be_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let role = new_role(&tenant.client, "sales", &["crm:read"]).await;
    let clerk = app.user(&tenant, Some("sales")).await;
    tenant.client.delete(&role.path()).await.problem(409, "role_in_use");
    tenant.client.get(&role.path()).await.json(200);
    tenant.client.delete(&clerk.membership(&role)).await.expect(204);
    tenant.client.delete(&role.path()).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_listed_in_pages_per_tenant() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    // Another tenant can have the same key.
    for tenant in [&tenant, &other] {
        new_role(&tenant.client, "sales", &["crm:read"]).await;
    }
    let mut seen = Vec::new();
    let mut path = "/roles?limit=2".to_owned();
    loop {
        let page: Page<Role> = tenant.client.read(&path).await;
        seen.extend(page.data.into_iter().map(|role| role.key));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("/roles?limit=2&cursor={cursor}");
    }
    assert_eq!(seen[0], "sales");
    assert_eq!(column(&tenant.client.all::<Role>().await, |role| role.key.as_str()), seen);
    seen.sort();
    assert_eq!(seen, ["admin", "agent", "billing", "owner", "sales", "viewer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_role_limit_is_one_hundred() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    join_all((1..=99).map(|n| async move { new_role(client, &format!("role-{n}"), &[]).await })).await;
    // Two concurrent requests for the last free place.
    let [one, two] = ["one", "two"].map(|key| json!({"key": key, "name": format!("Last {key}")}));
    let (one, two) = join(tenant.client.post("/roles", &one), tenant.client.post("/roles", &two)).await;
    let (made, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    refused.problem(409, "too_many_roles");
    let body = json!({"key": "beyond", "name": "Beyond"});
    tenant.client.post("/roles", &body).await.problem(409, "too_many_roles");
    tenant.client.delete(&made.body::<Role>(201).path()).await.expect(204);
    tenant.client.post("/roles", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_updates_of_one_version_apply_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let path = new_role(&tenant.client, "sales", &["crm:read"]).await.path();
    for version in 1..=5 {
        let [one, two] = ["One", "Two"].map(|name| json!({"version": version, "name": format!("{name} {version}")}));
        let (one, two) = join(tenant.client.patch(&path, &one), tenant.client.patch(&path, &two)).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} / {}", one.text, two.text);
        assert_eq!(tenant.client.read::<Role>(&path).await.version, version + 1);
    }
}
