//! Permissions that are revoked during a request: a grant waits for the tenant's lock and then checks the caller's
//! current permissions.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::kit::api::{Resource as _, Role, User};
use crate::kit::app::TestApp;
use crate::kit::client::{Client, Response};
use crate::kit::users::{new_role, role_of};
use crate::kit::wait;

fn spawn<F>(ask: impl FnOnce(Client) -> F, client: &Client) -> JoinHandle<Response>
where
    F: Future<Output = Response> + Send + 'static,
{
    tokio::spawn(ask(client.clone()))
}

/// The administrator is demoted after their requests were authorized and before any of them has the lock.
#[tokio::test(flavor = "multi_thread")]
async fn user_demoted_during_grant_cannot_grant() {
    // Each waiting request holds a connection.
    let settings = crate::kit::app::Settings { own_database: true, tenant_connections: 12, ..Default::default() };
    let app = TestApp::start_with(settings).await;
    let tenant = app.tenant().await;
    let admin = app.user(&tenant, Some("admin")).await;
    let (without_role, agent) = (app.user(&tenant, None).await, app.user(&tenant, Some("agent")).await);
    let viewer = role_of(&tenant, "viewer").await;
    let role = new_role(&tenant.client, "sales", &["crm:read"]).await;
    let rights = async || (tenant.client.all::<Role>().await, tenant.client.all::<User>().await);
    let before = rights().await;

    let mut blocker = app.database.admin().await;
    let lock = format!("BEGIN; SELECT FROM tenants WHERE id = '{}' FOR NO KEY UPDATE", tenant.id);
    blocker.batch_execute(&lock).await.unwrap();
    let (give, take) = (without_role.membership(&viewer), agent.membership(&role_of(&tenant, "agent").await));
    let (path, user, other) = (role.path(), agent.path(), without_role.path());
    let permissions = role.permissions_path();
    let requests = [
        spawn(|it| async move { it.put_empty(&give).await }, &admin.client),
        spawn(|it| async move { it.delete(&take).await }, &admin.client),
        spawn(
            |it| async move {
                it.post("/roles", &json!({"key": "mine", "name": "Mine", "permissions": ["crm:write"]})).await
            },
            &admin.client,
        ),
        spawn(
            |it| async move { it.put(&permissions, &json!({"version": 1, "permissions": ["crm:write"]})).await },
            &admin.client,
        ),
        spawn(|it| async move { it.patch(&path, &json!({"version": 1, "name": "Mine"})).await }, &admin.client),
        spawn(|it| async move { it.patch(&user, &json!({"status": "suspended"})).await }, &admin.client),
        spawn(|it| async move { it.delete(&other).await }, &admin.client),
    ];
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%tenants%'";
    let all = i64::try_from(requests.len()).unwrap();
    wait::until("all requests to wait", async || (app.database.count(waiting).await == all).then_some(())).await;
    let demote = format!("DELETE FROM memberships WHERE user_id = '{}'; COMMIT", admin.id);
    blocker.batch_execute(&demote).await.unwrap();
    for request in requests {
        request.await.unwrap().problem(403, "insufficient_scope");
    }
    let after = rights().await;
    assert_eq!(after.0, before.0);
    let of = |users: &[User], id: &str| users.iter().find(|user| user.id == id).cloned().expect("the user exists");
    for id in [&without_role.id, &agent.id] {
        assert_eq!(of(&after.1, id), of(&before.1, id));
    }
    app.stop().await;
}
