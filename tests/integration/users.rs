//! User administration: who may act on whom, and what remains of deleted users.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::api::{Page, Resource as _, User, column};
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
    let answer = tenant.client.post("/users", &body).await;
    let made: User = answer.body(201);
    assert_eq!((made.email.as_str(), made.name.as_str(), made.status.as_str()), (email.as_str(), "Grace", "active"));
    assert_eq!((made.self_registered, made.roles.len()), (false, 0));
    assert!(answer.json(201)["password"].is_null());
    tenant.client.post("/users", &body).await.problem(409, "email_taken");

    let path = made.path();
    assert_eq!(tenant.client.reload(&made).await, made);
    let renamed: User = tenant.client.patch(&path, &json!({"name": "Grace Hopper"})).await.body(200);
    assert_eq!((renamed.name.as_str(), renamed.email.as_str()), ("Grace Hopper", email.as_str()));
    assert_eq!(tenant.client.patch(&path, &json!({"name": null})).await.body::<User>(200).name, "");
    for (patch, pointer) in [
        (json!({"status": null}), "/status"),
        (json!({"status": "gone"}), "/status"),
        (json!({"email": "other@example.com"}), "/email"),
        (json!({"roles": ["owner"]}), "/roles"),
        (json!({"password": PASSWORD}), "/password"),
    ] {
        let problem = tenant.client.patch(&path, &patch).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
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
    let roles = |page: &Page<User>| column(&page.data, |user| user.roles.join(","));
    let whole: Page<User> = tenant.client.read("/users").await;
    assert_eq!(roles(&whole), ["", "viewer", "agent", "owner"]);
    let first: Page<User> = tenant.client.read("/users?limit=3").await;
    let rest: Page<User> = tenant.client.read(&format!("/users?cursor={}", first.cursor())).await;
    assert_eq!(roles(&rest), ["owner"]);
    assert_eq!(rest.next_cursor, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspension_ends_sessions_for_good() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let agent = app.user(&tenant, Some("agent")).await;
    assert_eq!(tenant.client.patch(&agent.path(), &SUSPEND()).await.body::<User>(200).status, "suspended");
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
    let users: Vec<User> = tenant.client.all().await;
    assert!(users.iter().all(|user| user.status == "active"), "no owner was removed: {users:#?}");

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
async fn remove_each_other(owners: &[TestUser], delete: bool) {
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
        remove_each_other(&owners, round % 2 == 0).await;
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
    let conversation = tenant.conversations().await.remove(0);
    let notes = format!("/crm/contacts/{}/interactions", conversation.contact_id);
    agent.client.post(&notes, &json!({"text": "a note"})).await.expect(201);
    let assigned = tenant.client.change(&conversation, json!({"assignee_id": agent.id})).await;
    assert_eq!(assigned.assignee_id.as_ref(), Some(&agent.id));
    let by_agent = "SELECT count(*) FROM interactions WHERE actor_id IS NOT NULL";
    assert!(app.database.count(by_agent).await >= 1);

    tenant.client.delete(&agent.path()).await.expect(204);
    agent.client.get("/auth/me").await.problem(401, "invalid_token");
    let conversation = tenant.client.reload(&conversation).await;
    assert_eq!(conversation.assignee_id, None);
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    for table in ["sessions", "memberships"] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{}'", agent.id);
        assert_eq!(app.database.count(&left).await, 0, "{table}");
    }
    assert_eq!(app.database.count(by_agent).await, 0);
    let contact = tenant.contact(&conversation.contact_id).await;
    let notes = tenant.interactions(&contact).await.into_iter().filter(|it| it.kind == "note");
    assert_eq!(notes.map(|note| (note.text, note.actor_id)).collect::<Vec<_>>(), [("a note".to_owned(), None)]);
    app.finish().await;
}
