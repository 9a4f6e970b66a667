//! User administration: who may act on whom, and what remains of deleted users.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::meta::{fresh_digits, text};
use crate::kit::users::TestUser;

const SUSPEND: fn() -> Value = || json!({"status": "suspended"});

#[tokio::test(flavor = "multi_thread")]
async fn user_is_created_read_renamed_and_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let email = format!("Grace-{}@Example.com", fresh_digits());
    let body = json!({"email": email, "password": PASSWORD, "name": "Grace"});
    let made = tenant.client.post("/users", &body).await.json(201);
    assert_eq!((&made["email"], &made["name"], &made["status"]), (&json!(email), &json!("Grace"), &json!("active")));
    assert_eq!((&made["self_registered"], &made["roles"]), (&json!(false), &json!([])));
    assert!(made["password"].is_null());
    tenant.client.post("/users", &body).await.problem(409, "email_taken");

    let path = format!("/users/{}", made["id"].as_str().unwrap());
    assert_eq!(tenant.client.get(&path).await.json(200), made);
    let renamed = tenant.client.patch(&path, &json!({"name": "Grace Hopper"})).await.json(200);
    assert_eq!((&renamed["name"], &renamed["email"]), (&json!("Grace Hopper"), &json!(email)));
    assert_eq!(tenant.client.patch(&path, &json!({"name": null})).await.json(200)["name"], "");
    for (patch, pointer) in [
        (json!({"status": null}), "/status"),
        (json!({"status": "gone"}), "/status"),
        (json!({"email": "other@example.com"}), "/email"),
        (json!({"roles": ["owner"]}), "/roles"),
        (json!({"password": PASSWORD}), "/password"),
    ] {
        let problem = tenant.client.patch(&path, &patch).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for (member, value) in [("password", "Test Tenant"), ("password", "12345678"), ("password", tenant.slug.as_str())] {
        let mut body = json!({"email": "weak@example.com", "password": PASSWORD});
        body[member] = json!(value);
        tenant.client.post("/users", &body).await.problem(422, "weak_password");
    }

    tenant.client.delete(&path).await.expect(204);
    tenant.client.get(&path).await.problem(404, "not_found");
    tenant.client.delete(&path).await.problem(404, "not_found");
    app.log_in(&tenant.slug, &email, PASSWORD).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_with_roles_in_pages() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    app.user(&other, Some("agent")).await;
    for role in [Some("agent"), Some("viewer"), None] {
        app.user(&tenant, role).await;
    }
    let roles =
        |page: &Value| page["data"].as_array().unwrap().iter().map(|user| user["roles"].clone()).collect::<Vec<_>>();
    let whole = tenant.client.get("/users").await.json(200);
    assert_eq!(roles(&whole), [json!([]), json!(["viewer"]), json!(["agent"]), json!(["owner"])]);
    let first = tenant.client.get("/users?limit=3").await.json(200);
    let rest = tenant.client.get(&format!("/users?cursor={}", first["next_cursor"].as_str().unwrap())).await.json(200);
    assert_eq!(roles(&rest), [json!(["owner"])]);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspension_ends_sessions_for_good() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let agent = app.user(&tenant, Some("agent")).await;
    assert_eq!(tenant.client.patch(&agent.path(), &SUSPEND()).await.json(200)["status"], "suspended");
    agent.client.get("/auth/me").await.problem(401, "invalid_token");
    app.log_in(&tenant.slug, &agent.email, PASSWORD).await.problem(401, "invalid_credentials");

    tenant.client.patch(&agent.path(), &json!({"status": "active"})).await.json(200);
    agent.client.get("/auth/me").await.problem(401, "invalid_token");
    app.log_in(&tenant.slug, &agent.email, PASSWORD).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_on_user_above_caller_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let owner = TestUser::owner(&tenant).await.path();
    let (admin, other_admin) = (app.user(&tenant, Some("admin")).await, app.user(&tenant, Some("admin")).await);
    let (agent, billing) = (app.user(&tenant, Some("agent")).await, app.user(&tenant, Some("billing")).await);
    // Holds the permission and little else.
    let clerk = app.user_with_permissions(&tenant, &["users:write"]).await;

    for above in [&owner, &billing.path()] {
        admin.client.patch(above, &SUSPEND()).await.problem(403, "outranks_you");
        admin.client.patch(above, &json!({"name": "Renamed"})).await.problem(403, "outranks_you");
        admin.client.delete(above).await.problem(403, "outranks_you");
    }
    for above in [&admin, &agent, &billing] {
        clerk.client.delete(&above.path()).await.problem(403, "outranks_you");
    }
    for (who, whom) in [(&agent, &clerk), (&billing, &agent)] {
        who.client.delete(&whom.path()).await.problem(403, "insufficient_scope");
        who.client.post("/users", &json!({})).await.problem(403, "insufficient_scope");
    }
    let seen = tenant.client.get("/users").await.json(200);
    assert!(
        seen["data"].as_array().unwrap().iter().all(|user| user["status"] == "active"),
        "no owner was removed: {seen}"
    );

    admin.client.patch(&other_admin.path(), &SUSPEND()).await.json(200);
    admin.client.patch(&admin.path(), &json!({"name": "Me"})).await.json(200);
    admin.client.delete(&clerk.path()).await.expect(204);
    tenant.client.delete(&billing.path()).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_keeps_one_active_owner() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let path = TestUser::owner(&tenant).await.path();
    tenant.client.patch(&path, &SUSPEND()).await.problem(409, "last_owner");
    tenant.client.delete(&path).await.problem(409, "last_owner");
    tenant.client.get("/auth/me").await.json(200);

    // A suspended owner does not count.
    let second = app.user(&tenant, Some("owner")).await;
    tenant.client.patch(&second.path(), &SUSPEND()).await.json(200);
    tenant.client.delete(&path).await.problem(409, "last_owner");
    tenant.client.patch(&second.path(), &json!({"status": "active"})).await.json(200);
    tenant.client.delete(&path).await.expect(204);
    tenant.client.get("/auth/me").await.problem(401, "invalid_token");
    assert_eq!(app.active_owners(&tenant).await, 1);
}

/// Each owner tries to remove all the others and themselves.
async fn fight(owners: &[TestUser], delete: bool) {
    let attempts = owners.iter().flat_map(|who| owners.iter().map(move |whom| (who, whom)));
    let answers = join_all(attempts.map(|(who, whom)| async move {
        if delete { who.client.delete(&whom.path()).await } else { who.client.patch(&whom.path(), &SUSPEND()).await }
    }))
    .await;
    for answer in answers {
        assert!([200, 204, 401, 403, 404, 409].contains(&answer.status.as_u16()), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_owner_changes_leave_one_owner() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let tenant = app.tenant().await;
        let mut owners = vec![TestUser::owner(&tenant).await];
        for _ in 0..2 {
            owners.push(app.user(&tenant, Some("owner")).await);
        }
        fight(&owners, round % 2 == 0).await;
        assert_eq!(app.active_owners(&tenant).await, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_deleted_user_is_anonymous() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.process(&number.delivery(&[text("15550100", "hello")])).await;
    let agent = app.user(&tenant, Some("agent")).await;
    let traces =
        format!("UPDATE conversations SET assignee_id = '{0}'; UPDATE interactions SET actor_id = '{0}'", agent.id);
    app.database.admin().await.batch_execute(&traces).await.unwrap();
    assert_eq!(tenant.conversations().await[0]["assignee_id"], agent.id.as_str());

    tenant.client.delete(&agent.path()).await.expect(204);
    agent.client.get("/auth/me").await.problem(401, "invalid_token");
    let conversation = &tenant.conversations().await[0];
    assert_eq!(conversation["assignee_id"], Value::Null);
    assert_eq!(tenant.messages(conversation).await.len(), 1);
    for table in ["sessions", "memberships"] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{}'", agent.id);
        assert_eq!(app.database.count(&left).await, 0, "{table}");
    }
    let anonymous = "SELECT count(*) FROM interactions WHERE actor_id IS NULL";
    assert!(app.database.count(anonymous).await >= 1);
    app.finish().await;
}
