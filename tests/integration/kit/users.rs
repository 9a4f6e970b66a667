//! Users of a tenant besides its owner.

use diesel_async::SimpleAsyncConnection;
use kernel::{Clock, SystemClock};
use serde_json::{Value, json};

use super::app::{PASSWORD, TestApp, TestTenant};
use super::client::{Client, Response};
use super::meta::fresh_digits;

/// A user of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct TestUser {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) client: Client,
}

impl TestUser {
    pub(crate) fn path(&self) -> String {
        format!("/users/{}", self.id)
    }

    /// The path of the user's membership in a role.
    pub(crate) fn membership(&self, role: &Value) -> String {
        format!("{}/memberships/{}", self.path(), role["id"].as_str().unwrap())
    }

    /// The user who signed up.
    pub(crate) async fn owner(tenant: &TestTenant) -> Self {
        let me = tenant.client.get("/auth/me").await.json(200);
        let id = me["user"]["id"].as_str().unwrap().to_owned();
        Self { id, email: tenant.email.clone(), client: tenant.client.clone() }
    }
}

impl TestApp {
    pub(crate) async fn log_in(&self, tenant: &str, email: &str, password: &str) -> Response {
        log_in(&self.client, tenant, email, password).await
    }

    /// Creates a user with one of the system roles, or with none.
    pub(crate) async fn user(&self, tenant: &TestTenant, role: Option<&str>) -> TestUser {
        let email = format!("user-{}@example.com", fresh_digits());
        let body = json!({"email": email, "password": PASSWORD, "name": "Grace"});
        let made = tenant.client.post("/users", &body).await.json(201);
        let id = made["id"].as_str().unwrap().to_owned();
        if let Some(role) = role {
            let give = format!(
                "INSERT INTO memberships (tenant_id, user_id, role_id, created_at)
                 SELECT tenant_id, '{id}', id, now() FROM roles WHERE tenant_id = '{}' AND key = '{role}'",
                tenant.id
            );
            self.database.admin().await.batch_execute(&give).await.unwrap();
        }
        let token = self.log_in(&tenant.slug, &email, PASSWORD).await.json(200)["access_token"].clone();
        TestUser { id, email, client: self.client.with_token(token.as_str().unwrap()) }
    }

    /// Creates a user with a new role of these permissions.
    pub(crate) async fn user_with_permissions(&self, tenant: &TestTenant, permissions: &[&str]) -> TestUser {
        let (role, key) = (SystemClock::new().new_id(), format!("role-{}", fresh_digits()));
        let mut statements = format!(
            "INSERT INTO roles (tenant_id, id, key, name, system, created_at)
             VALUES ('{}', '{role}', '{key}', 'Role', false, now());",
            tenant.id
        );
        statements.extend(permissions.iter().map(|permission| {
            format!("INSERT INTO role_permissions VALUES ('{}', '{role}', '{permission}');", tenant.id)
        }));
        self.database.admin().await.batch_execute(&statements).await.unwrap();
        self.user(tenant, Some(&key)).await
    }

    /// The number of a tenant's active owners.
    pub(crate) async fn active_owners(&self, tenant: &TestTenant) -> i64 {
        let query = format!(
            "SELECT count(*) FROM memberships m JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
               JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
              WHERE m.tenant_id = '{}' AND r.key = 'owner' AND u.status = 'active'",
            tenant.id
        );
        self.database.count(&query).await
    }

    /// Runs a statement as the superuser; `$T` is the tenant.
    pub(crate) async fn execute_for(&self, tenant: &TestTenant, statement: &str) {
        self.database.admin().await.batch_execute(&statement.replace("$T", &tenant.id)).await.unwrap();
    }
}

/// Creates a role of the tenant.
pub(crate) async fn new_role(client: &Client, key: &str, permissions: &[&str]) -> Value {
    let body = json!({"key": key, "name": "Role", "permissions": permissions});
    client.post("/roles", &body).await.json(201)
}

/// A role of the tenant by its key.
pub(crate) async fn role_of(tenant: &TestTenant, key: &str) -> Value {
    let roles = tenant.client.get("/roles?limit=100").await.json(200);
    let found = roles["data"].as_array().unwrap().iter().find(|role| role["key"] == key);
    found.unwrap_or_else(|| panic!("no {key} in {roles}")).clone()
}

pub(crate) fn role_path(role: &Value) -> String {
    format!("/roles/{}", role["id"].as_str().unwrap())
}

pub(crate) async fn log_in(client: &Client, tenant: &str, email: &str, password: &str) -> Response {
    let body: Value = json!({"email": email, "password": password});
    client.with("x-tenant-id", tenant).post("/auth/login", &body).await
}
