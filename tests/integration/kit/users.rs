//! Users of a tenant besides its owner.

use diesel_async::SimpleAsyncConnection;
use kernel::{Clock, SystemClock};
use serde_json::json;

use super::api::{LoggedIn, Role, User};
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
    pub(crate) fn membership(&self, role: &Role) -> String {
        format!("{}/memberships/{}", self.path(), role.id)
    }

    /// The user who signed up.
    pub(crate) async fn owner(tenant: &TestTenant) -> Self {
        Self { id: tenant.me().await.user.id, email: tenant.email.clone(), client: tenant.client.clone() }
    }
}

impl Client {
    /// Signs up a tenant with the owner `ada@example.com`.
    pub(crate) async fn sign_up(&self, slug: &str) -> LoggedIn {
        let body = json!({"tenant_name": "Acme", "slug": slug, "email": "ada@example.com", "password": PASSWORD});
        self.post("/auth/signup", &body).await.body(201)
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
        let User { id, .. } = tenant.client.create(&body).await;
        let made: LoggedIn = self.log_in(&tenant.slug, &email, PASSWORD).await.body(200);
        let user = TestUser { id, email, client: self.client.with_token(&made.access_token) };
        if let Some(role) = role {
            tenant.client.put_empty(&user.membership(&role_of(tenant, role).await)).await.expect(200);
        }
        user
    }

    /// Creates a user with a new role of exactly these permissions, while the API adds the implied ones.
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
pub(crate) async fn new_role(client: &Client, key: &str, permissions: &[&str]) -> Role {
    client.create(&json!({"key": key, "name": format!("Role {key}"), "permissions": permissions})).await
}

/// A role of the tenant by its key.
pub(crate) async fn role_of(tenant: &TestTenant, key: &str) -> Role {
    let roles: Vec<Role> = tenant.client.all().await;
    let found = roles.iter().find(|role| role.key == key);
    found.unwrap_or_else(|| panic!("no {key} in {roles:#?}")).clone()
}

pub(crate) async fn log_in(client: &Client, tenant: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password});
    client.with("x-tenant-id", tenant).post("/auth/login", &body).await
}
