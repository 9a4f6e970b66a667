//! Refreshing sessions, and what ends them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use crate::kit::api::{LoggedIn, Me};
use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant, metrics};
use crate::kit::client::{Client, Response};
use crate::kit::users::role_of;

const MOMENT: TimeDelta = TimeDelta::milliseconds(1);
const REUSES: &str = r#"parley_auth_attempts_total{action="refresh",outcome="reuse"}"#;

async fn refresh(client: &Client, token: &str) -> Response {
    client.post("/auth/refresh", &json!({"refresh_token": token})).await
}

/// The tokens of a new session of the owner.
async fn log_in(app: &TestApp, tenant: &TestTenant) -> (String, String) {
    tokens(&app.log_in(&tenant.slug, &tenant.email, PASSWORD).await)
}

/// The access token and the refresh token.
fn tokens(answer: &Response) -> (String, String) {
    let session: LoggedIn = answer.body(200);
    (session.access_token, session.refresh_token)
}

fn counter(series: &str) -> u64 {
    let text = metrics();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn me(app: &TestApp, token: &str) -> Response {
    app.client.with_token(token).get("/auth/me").await
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_returns_next_tokens_of_same_session() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (access, token) = log_in(&app, &tenant).await;
    let before: Me = me(&app, &access).await.body(200);
    app.clock.advance(TimeDelta::minutes(20));
    me(&app, &access).await.problem(401, "invalid_token");

    let answer = refresh(&app.client, &token).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let refreshed: LoggedIn = answer.body(200);
    assert_eq!((refreshed.token_type.as_str(), refreshed.expires_in), ("Bearer", 900));
    assert_eq!(refreshed.user.email, tenant.email);
    assert_eq!((refreshed.user.roles.join(","), &refreshed.tenant.id), ("owner".to_owned(), &tenant.id));
    let next = &refreshed.refresh_token;
    assert!(next.starts_with(&format!("rt1_{}.", tenant.id)) && *next != token);
    let after: Me = me(&app, &refreshed.access_token).await.body(200);
    assert_eq!(after.session, before.session);
    refresh(&app.client, next).await.json(200);
    let plain =
        format!("SELECT count(*) FROM refresh_tokens t WHERE t::text LIKE '%{}%'", next.split_once('.').unwrap().1);
    assert_eq!(app.database.count(&plain).await, 0, "only hashes are stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_refresh_token_ends_session() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (access, token) = log_in(&app, &tenant).await;
    let session = me(&app, &access).await.body::<Me>(200).session.id;
    let refreshed: LoggedIn = refresh(&app.client, &token).await.body(200);
    me(&app, &refreshed.access_token).await.json(200);
    let reuses = counter(REUSES);

    app.clock.advance(MOMENT);
    let replayed = refresh(&app.client, &token).await;
    replayed.problem(401, "invalid_refresh_token");
    assert_eq!(replayed.header("www-authenticate"), r#"Bearer realm="parley""#);
    assert!(counter(REUSES) > reuses);
    let audited = format!(
        "SELECT count(*) FROM audit_records
          WHERE tenant_id = '{}' AND action = 'token_reuse' AND target_kind = 'session' AND target_id = '{session}'
            AND actor_kind = 'anonymous' AND outcome = 'refused' AND address = '{}' AND request_id IS NOT NULL",
        tenant.id,
        app.client.address()
    );
    assert_eq!(app.database.count(&audited).await, 1);
    // The session is over for the thief and for the user.
    for token in [&refreshed.access_token, &access] {
        me(&app, token).await.problem(401, "invalid_token");
    }
    refresh(&app.client, &refreshed.refresh_token).await.problem(401, "invalid_refresh_token");
    refresh(&app.client, &token).await.problem(401, "invalid_refresh_token");
    assert_eq!(app.database.count(&audited).await, 1, "the session had ended before");
    tenant.client.get("/auth/me").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_ends_after_idle_week_or_one_month() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (_, idle) = log_in(&app, &tenant).await;
    let (_, mut token) = log_in(&app, &tenant).await;
    let week = TimeDelta::days(7);
    for _ in 0..4 {
        app.clock.advance(week - MOMENT);
        token = tokens(&refresh(&app.client, &token).await).1;
    }
    refresh(&app.client, &idle).await.problem(401, "invalid_refresh_token");
    app.clock.advance(TimeDelta::days(2));
    let refreshed: LoggedIn = refresh(&app.client, &token).await.body(200);
    app.clock.advance(MOMENT * 3);
    me(&app, &refreshed.access_token).await.json(200);
    app.clock.advance(MOMENT);
    me(&app, &refreshed.access_token).await.problem(401, "invalid_token");
    refresh(&app.client, &refreshed.refresh_token).await.problem(401, "invalid_refresh_token");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_refresh_tokens_get_identical_refusal() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let (access, token) = log_in(&app, &tenant).await;
    let client = app.client.with("x-request-id", "same");
    let mut answers = Vec::new();
    for wrong in [
        String::new(),
        "x".to_owned(),
        access,
        token.replace(&tenant.id, &other.id),
        token.replace(&tenant.id, &tenant.id.to_uppercase()),
        token.replace(&tenant.id, "0190b5a2-7e2f-7000-8000-000000000000"),
        token.replace(&tenant.id, "' OR 1=1 --"),
        format!("{}A", &token[..token.len() - 1]),
        format!("{token} "),
        "rt1_".repeat(1_000),
    ] {
        if wrong == token {
            continue;
        }
        let answer = refresh(&client, &wrong).await;
        answer.problem(401, "invalid_refresh_token");
        answers.push((answer.text.clone(), answer.stable_headers()));
    }
    assert!(answers.len() >= 9 && answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    for (body, status, code) in [
        (json!({}), 422, "validation_failed"),
        (json!({"refresh_token": 7}), 422, "validation_failed"),
        (json!({"refresh_token": token, "scope": "all"}), 422, "validation_failed"),
        (json!({"refresh_token": "x".repeat(17_000)}), 413, "body_too_large"),
    ] {
        client.post("/auth/refresh", &body).await.problem(status, code);
    }
    // A tenant header that contradicts the token is a client error and does not use up the token.
    let elsewhere = app.client.with("x-tenant-id", &other.slug);
    refresh(&elsewhere, &token).await.problem(403, "tenant_mismatch");
    refresh(&app.client.with("x-tenant-id", "'; --"), &token).await.problem(400, "invalid_tenant_id");
    refresh(&app.client.with("x-tenant-id", &tenant.slug), &token).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_and_suspension_end_sessions() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let user = app.user(&tenant, Some("agent")).await;
    let session = async || tokens(&app.log_in(&tenant.slug, &user.email, PASSWORD).await);
    // A password change ends all sessions but the one that changed it.
    let ((mine, my_token), (others, others_token)) = (session().await, session().await);
    let change = json!({"current_password": PASSWORD, "new_password": "another horse battery"});
    app.client.with_token(&mine).post("/auth/password", &change).await.expect(204);
    me(&app, &others).await.problem(401, "invalid_token");
    refresh(&app.client, &others_token).await.problem(401, "invalid_refresh_token");
    me(&app, &mine).await.json(200);
    let my_token = tokens(&refresh(&app.client, &my_token).await).1;

    // A revoked role: the session goes on, without the permission.
    tenant.client.delete(&user.membership(&role_of(&tenant, "agent").await)).await.expect(204);
    app.client.with_token(&mine).get("/crm/contacts").await.problem(403, "insufficient_scope");
    let refreshed: LoggedIn = refresh(&app.client, &my_token).await.body(200);
    let (mine, my_token) = (refreshed.access_token, refreshed.refresh_token);
    app.client.with_token(&mine).get("/crm/contacts").await.problem(403, "insufficient_scope");

    // Suspending a user ends all their sessions for good.
    tenant.client.patch(&user.path(), &json!({"status": "suspended"})).await.json(200);
    me(&app, &mine).await.problem(401, "invalid_token");
    refresh(&app.client, &my_token).await.problem(401, "invalid_refresh_token");
    tenant.client.patch(&user.path(), &json!({"status": "active"})).await.json(200);
    me(&app, &mine).await.problem(401, "invalid_token");
    refresh(&app.client, &my_token).await.problem(401, "invalid_refresh_token");

    // Suspending a tenant blocks all sessions until it is active again. The refused token was not used up.
    let (access, token) = log_in(&app, &tenant).await;
    app.suspend(&tenant).await;
    me(&app, &access).await.problem(401, "invalid_token");
    refresh(&app.client, &token).await.problem(401, "invalid_refresh_token");
    app.reactivate(&tenant).await;
    me(&app, &access).await.json(200);
    refresh(&app.client, &token).await.json(200);

    // Deleting a user ends their sessions.
    let deleted = app.user(&tenant, None).await;
    let made: LoggedIn = app.log_in(&tenant.slug, &deleted.email, PASSWORD).await.body(200);
    tenant.client.delete(&deleted.path()).await.expect(204);
    me(&app, &made.access_token).await.problem(401, "invalid_token");
    refresh(&app.client, &made.refresh_token).await.problem(401, "invalid_refresh_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_21_ends_oldest_under_concurrency() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (first, first_token) = log_in(&app, &tenant).await;
    let (second, _) = log_in(&app, &tenant).await;
    tenant.client.post("/auth/logout", &json!({})).await.expect(204);
    let sessions = format!("SELECT count(*) FROM sessions WHERE tenant_id = '{}' AND revoked_at IS NULL", tenant.id);
    join_all((0..18).map(|_| log_in(&app, &tenant))).await;
    assert_eq!(app.database.count(&sessions).await, 20);
    me(&app, &first).await.json(200);

    log_in(&app, &tenant).await;
    me(&app, &first).await.problem(401, "invalid_token");
    refresh(&app.client, &first_token).await.problem(401, "invalid_refresh_token");
    me(&app, &second).await.json(200);
    join_all((0..4).map(|_| log_in(&app, &tenant))).await;
    assert_eq!(app.database.count(&sessions).await, 20);
    let audited = format!(
        "SELECT count(*) FROM audit_records WHERE tenant_id = '{}' AND action = 'sessions.ended'
            AND target_kind = 'session' AND changes->>'reason' = 'too_many'",
        tenant.id
    );
    assert_eq!(app.database.count(&audited).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_refresh_response_is_repeated_for_its_client() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let browser = app.client.with("user-agent", "browser");
    let (_, token) = log_in(&app, &tenant).await;
    let (_, next) = tokens(&refresh(&browser, &token).await);
    for _ in 0..2 {
        app.clock.advance(TimeDelta::seconds(4));
        let (access, again) = tokens(&refresh(&browser, &token).await);
        assert_eq!(again, next, "the same next token");
        assert!(access.split('.').count() == 3);
    }
    // It works once, as ever; and once it was used, the token before it is stolen.
    let (access, last) = tokens(&refresh(&browser, &next).await);
    me(&app, &access).await.json(200);
    refresh(&browser, &token).await.problem(401, "invalid_refresh_token");
    refresh(&browser, &last).await.problem(401, "invalid_refresh_token");

    // Not for another client, after ten seconds, or when the response has arrived.
    let (_, token) = log_in(&app, &tenant).await;
    refresh(&browser, &token).await.json(200);
    app.clock.advance(MOMENT);
    refresh(&app.client.with("user-agent", "other"), &token).await.problem(401, "invalid_refresh_token");
    let (_, token) = log_in(&app, &tenant).await;
    refresh(&browser, &token).await.json(200);
    app.clock.advance(TimeDelta::seconds(10));
    refresh(&browser, &token).await.problem(401, "invalid_refresh_token");
    let (_, token) = log_in(&app, &tenant).await;
    let (access, _) = tokens(&refresh(&browser, &token).await);
    me(&app, &access).await.json(200);
    app.clock.advance(MOMENT);
    refresh(&browser, &token).await.problem(401, "invalid_refresh_token");
}
