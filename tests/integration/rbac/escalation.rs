//! Attempts to escalate privileges with `roles:write` and `users:write`.

use serde_json::{Value, json};

use crate::kit::api::{Resource as _, Role, User};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::client::{Client, Response};
use crate::kit::users::{TestUser, new_role, role_of};

/// All roles and memberships, as the owner sees them.
async fn rights(tenant: &TestTenant) -> (Vec<Role>, Vec<User>) {
    (tenant.client.all().await, tenant.client.all().await)
}

async fn replace(client: &Client, role: &Role, permissions: Value) -> Response {
    let body = json!({"version": role.version, "permissions": permissions});
    client.put(&role.permissions_path(), &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn granting_permissions_not_held_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    // May administer roles and users, and read contacts.
    let clerk = app
        .user_with_permissions(&tenant, &["roles:write", "roles:read", "users:write", "users:read", "crm:read"])
        .await;
    let admin = app.user(&tenant, Some("admin")).await;
    let without_role = app.user(&tenant, None).await;
    let (readers, writers) = (
        new_role(&tenant.client, "readers", &["crm:read"]).await,
        new_role(&tenant.client, "writers", &["crm:write"]).await,
    );
    let before = rights(&tenant).await;

    // By an existing role, for another user and for oneself.
    for key in ["owner", "admin", "agent", "billing"] {
        let role = role_of(&tenant, key).await;
        for whom in [&without_role, &clerk] {
            clerk.client.put_empty(&whom.membership(&role)).await.problem(403, "cannot_grant");
        }
    }
    clerk.client.put_empty(&without_role.membership(&writers)).await.problem(403, "cannot_grant");
    for key in ["owner", "billing"] {
        let role = role_of(&tenant, key).await;
        admin.client.put_empty(&admin.membership(&role)).await.problem(403, "cannot_grant");
    }
    // By a new role. Implied permissions count: `crm:write` includes `crm:read`.
    for permission in ["crm:write", "billing:read", "tenant:write", "audit:read"] {
        let body = json!({"key": "mine", "name": "Mine", "permissions": ["crm:read", permission]});
        clerk.client.post("/roles", &body).await.problem(403, "cannot_grant");
    }
    let body = json!({"key": "mine", "name": "Mine", "permissions": ["tenant:write"]});
    admin.client.post("/roles", &body).await.problem(403, "cannot_grant");
    // By changing a role's permissions.
    replace(&clerk.client, &readers, json!(["crm:read", "crm:write"])).await.problem(403, "cannot_grant");
    replace(&clerk.client, &readers, json!(["billing:write"])).await.problem(403, "cannot_grant");
    assert_eq!(rights(&tenant).await, before);

    // Permissions that the caller holds can be granted.
    clerk.client.put_empty(&without_role.membership(&readers)).await.expect(200);
    new_role(&clerk.client, "mine", &["crm:read", "users:read"]).await;
    replace(&clerk.client, &readers, json!(["users:write"])).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_role_above_caller_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let clerk = app.user_with_permissions(&tenant, &["roles:write", "roles:read", "crm:read"]).await;
    let writers = new_role(&tenant.client, "writers", &["crm:write"]).await;
    let before = rights(&tenant).await;
    let rename = json!({"version": 1, "name": "Mine"});
    clerk.client.patch(&writers.path(), &rename).await.problem(403, "cannot_grant");
    replace(&clerk.client, &writers, json!(["crm:read"])).await.problem(403, "cannot_grant");
    replace(&clerk.client, &writers, json!([])).await.problem(403, "cannot_grant");
    clerk.client.delete(&writers.path()).await.problem(403, "cannot_grant");
    assert_eq!(rights(&tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_on_user_above_caller_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let clerk = app
        .user_with_permissions(&tenant, &["roles:write", "roles:read", "users:write", "users:read", "crm:read"])
        .await;
    let readers = new_role(&tenant.client, "readers", &["crm:read"]).await;
    let (agent, owner) = (app.user(&tenant, Some("agent")).await, TestUser::owner(&tenant).await);
    let billing = app.user(&tenant, Some("billing")).await;
    let admin = app.user(&tenant, Some("admin")).await;
    for above in [&agent, &owner, &billing] {
        tenant.client.put_empty(&above.membership(&readers)).await.expect(200);
    }
    let viewer = role_of(&tenant, "viewer").await;
    let (owners, bills) = (role_of(&tenant, "owner").await, role_of(&tenant, "billing").await);
    let before = rights(&tenant).await;

    for (who, above) in [(&clerk, &agent), (&clerk, &owner), (&clerk, &admin), (&admin, &owner), (&admin, &billing)] {
        // Users with roles that the caller could grant.
        who.client.put_empty(&above.membership(&viewer)).await.problem(403, "outranks_you");
        who.client.delete(&above.membership(&readers)).await.problem(403, "outranks_you");
        for patch in [json!({"status": "suspended"}), json!({"name": "Renamed"})] {
            who.client.patch(&above.path(), &patch).await.problem(403, "outranks_you");
        }
        who.client.delete(&above.path()).await.problem(403, "outranks_you");
    }
    admin.client.delete(&owner.membership(&owners)).await.problem(403, "outranks_you");
    admin.client.delete(&billing.membership(&bills)).await.problem(403, "outranks_you");
    // The caller may change the role, but not take permissions from users above the caller.
    replace(&clerk.client, &readers, json!([])).await.problem(403, "outranks_you");
    replace(&clerk.client, &readers, json!(["users:read"])).await.problem(403, "outranks_you");
    assert_eq!(rights(&tenant).await, before);

    // Adding permissions takes nothing from any user.
    replace(&clerk.client, &readers, json!(["crm:read", "users:read"])).await.expect(200);
}
