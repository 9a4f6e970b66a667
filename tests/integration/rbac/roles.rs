//! Administering roles.

use futures_util::future::join;
use kernel::Permission;
use serde_json::{Value, json};

use crate::kit::app::{TestApp, TestTenant};
use crate::kit::users::{new_role, role_path};

async fn actions(tenant: &TestTenant) -> Vec<Value> {
    let log = tenant.client.get("/audit-log?limit=100").await.json(200);
    let records = log["data"].as_array().unwrap().iter().rev();
    let of_roles = records.filter(|record| {
        let action = record["action"].as_str().unwrap();
        action.starts_with("role.") || action.starts_with("membership.")
    });
    of_roles.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_listed_with_implied_ones() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let list = tenant.client.get("/permissions").await.json(200);
    let listed = list["data"].as_array().unwrap();
    assert_eq!(listed.len(), Permission::ALL.len());
    for permission in Permission::ALL {
        let implied = permission.implies().map(Permission::key);
        assert!(listed.contains(&json!({"key": permission.key(), "implies": implied})), "{permission}");
    }
    assert_eq!(list["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn role_is_created_read_changed_and_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let body = json!({"key": "sales", "name": " Sales ", "permissions": ["crm:write", "users:read", "crm:write"]});
    let made = client.post("/roles", &body).await.json(201);
    assert_eq!((&made["key"], &made["name"], &made["system"]), (&json!("sales"), &json!("Sales"), &json!(false)));
    assert_eq!(made["permissions"], json!(["crm:read", "crm:write", "users:read"]), "write implies read");
    assert_eq!(made["version"], 1);
    client.post("/roles", &body).await.problem(409, "role_key_taken");
    let path = role_path(&made);
    assert_eq!(client.get(&path).await.json(200), made);

    let renamed = client.patch(&path, &json!({"version": 1, "name": "Selling"})).await.json(200);
    assert_eq!(
        (&renamed["name"], &renamed["version"], &renamed["key"]),
        (&json!("Selling"), &json!(2), &json!("sales"))
    );
    client.patch(&path, &json!({"version": 1, "name": "Other"})).await.problem(409, "stale_version");
    // An update without changes keeps the version.
    assert_eq!(client.patch(&path, &json!({"version": 2})).await.json(200), renamed);
    assert_eq!(client.patch(&path, &json!({"version": 2, "name": "Selling"})).await.json(200), renamed);

    let permissions = format!("{path}/permissions");
    let replaced = client.put(&permissions, &json!({"version": 2, "permissions": ["events:replay"]})).await.json(200);
    assert_eq!(replaced["permissions"], json!(["events:read", "events:replay"]));
    assert_eq!(replaced["version"], 3);
    client.put(&permissions, &json!({"version": 2, "permissions": []})).await.problem(409, "stale_version");
    assert_eq!(client.get(&path).await.json(200), replaced);

    client.delete(&path).await.expect(204);
    client.get(&path).await.problem(404, "not_found");
    client.delete(&path).await.problem(404, "not_found");
    client.patch(&path, &json!({"version": 3, "name": "X"})).await.problem(404, "not_found");

    let log = actions(&tenant).await;
    let said: Vec<&str> = log.iter().map(|record| record["action"].as_str().unwrap()).collect();
    assert_eq!(said, ["role.created", "role.changed", "role.changed", "role.deleted"]);
    assert!(log.iter().all(|record| record["target"]["id"] == made["id"] && record["changes"]["key"] == "sales"));
    assert_eq!((&log[1]["changes"]["name_before"], &log[1]["changes"]["name"]), (&json!("Sales"), &json!("Selling")));
    assert_eq!(log[2]["changes"]["permissions"], json!(["events:read", "events:replay"]));
    assert_eq!(log[2]["changes"]["permissions_before"], json!(["crm:read", "crm:write", "users:read"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_role_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let role = new_role(client, "sales", &["crm:read"]).await;
    let before = client.get("/roles").await.json(200);
    for (body, pointer) in [
        (json!({"name": "X"}), "/key"),
        (json!({"key": "x"}), "/name"),
        (json!({"key": "Not a key", "name": "X"}), "/key"),
        (json!({"key": "x", "name": ""}), "/name"),
        (json!({"key": "x", "name": "a\nb"}), "/name"),
        (json!({"key": "x", "name": "X", "permissions": ["crm:read", "crm:all"]}), "/permissions/1"),
        (json!({"key": "x", "name": "X", "permissions": "crm:read"}), "/permissions"),
        (json!({"key": "x", "name": "X", "system": true}), "/system"),
        (json!({"key": "x", "name": "X", "id": role["id"]}), "/id"),
    ] {
        let problem = client.post("/roles", &body).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let path = role_path(&role);
    for (patch, pointer) in [
        (json!({"name": "X"}), "/version"),
        (json!({"version": 1, "name": null}), "/name"),
        (json!({"version": 1, "key": "x"}), "/key"),
        (json!({"version": 1, "permissions": ["users:read"]}), "/permissions"),
        (json!({"version": "1"}), "/version"),
    ] {
        let problem = client.patch(&path, &patch).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for (body, pointer) in [
        (json!({"permissions": []}), "/version"),
        (json!({"version": 1}), "/permissions"),
        (json!({"version": 1, "permissions": ["owner"]}), "/permissions/0"),
    ] {
        let answer = client.put(&format!("{path}/permissions"), &body).await;
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(client.get("/roles").await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn system_roles_cannot_be_changed() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = &tenant.client;
    let before = client.get("/roles").await.json(200);
    let roles = before["data"].as_array().unwrap();
    assert_eq!(roles.len(), 5);
    for role in roles {
        assert_eq!((&role["system"], &role["version"]), (&json!(true), &json!(1)), "{role}");
        let path = role_path(role);
        client.patch(&path, &json!({"version": 1, "name": "Mine"})).await.problem(409, "system_role");
        let body = json!({"version": 1, "permissions": ["crm:read"]});
        client.put(&format!("{path}/permissions"), &body).await.problem(409, "system_role");
        client.delete(&path).await.problem(409, "system_role");
        let body = json!({"key": role["key"], "name": "Mine"});
        client.post("/roles", &body).await.problem(409, "role_key_taken");
    }
    assert_eq!(client.get("/roles").await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_role_cannot_be_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let role = new_role(&tenant.client, "sales", &["crm:read"]).await;
    let clerk = app.user(&tenant, Some("sales")).await;
    tenant.client.delete(&role_path(&role)).await.problem(409, "role_in_use");
    tenant.client.get(&role_path(&role)).await.json(200);
    tenant.client.delete(&clerk.membership(&role)).await.expect(204);
    tenant.client.delete(&role_path(&role)).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_listed_in_pages_per_tenant() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    // Another tenant can have the same key.
    for tenant in [&tenant, &other] {
        new_role(&tenant.client, "sales", &["crm:read"]).await;
    }
    let keys = |page: &Value| {
        page["data"].as_array().unwrap().iter().map(|role| role["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    let mut path = "/roles?limit=2".to_owned();
    loop {
        let page = tenant.client.get(&path).await.json(200);
        seen.extend(keys(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/roles?limit=2&cursor={cursor}");
    }
    assert_eq!(seen[0], "sales");
    assert_eq!(seen, keys(&tenant.client.get("/roles").await.json(200)));
    seen.sort();
    assert_eq!(seen, ["admin", "agent", "billing", "owner", "sales", "viewer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_role_limit_is_one_hundred() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let ninety_nine = "INSERT INTO roles (tenant_id, id, key, name, system, created_at)
        SELECT '$T', gen_random_uuid(), 'role-' || n, 'Role', false, now() FROM generate_series(1, 99) n";
    app.execute_for(&tenant, ninety_nine).await;
    // Two concurrent requests for the last free place.
    let [one, two] = ["one", "two"].map(|key| json!({"key": key, "name": "Last"}));
    let (one, two) = join(tenant.client.post("/roles", &one), tenant.client.post("/roles", &two)).await;
    let (made, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    refused.problem(409, "too_many_roles");
    let body = json!({"key": "beyond", "name": "Beyond"});
    tenant.client.post("/roles", &body).await.problem(409, "too_many_roles");
    tenant.client.delete(&role_path(&made.json(201))).await.expect(204);
    tenant.client.post("/roles", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_updates_of_one_version_apply_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let path = role_path(&new_role(&tenant.client, "sales", &["crm:read"]).await);
    for version in 1..=5 {
        let [one, two] = ["One", "Two"].map(|name| json!({"version": version, "name": format!("{name} {version}")}));
        let (one, two) = join(tenant.client.patch(&path, &one), tenant.client.patch(&path, &two)).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} / {}", one.text, two.text);
        assert_eq!(tenant.client.get(&path).await.json(200)["version"], version + 1);
    }
}
