//! How sessions go on, and what ends them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant, metrics};
use crate::kit::client::{Answer, Client};

const MOMENT: TimeDelta = TimeDelta::milliseconds(1);
const REUSES: &str = r#"parley_auth_attempts_total{action="refresh",outcome="reuse"}"#;

async fn refresh(client: &Client, token: &str) -> Answer {
    client.post("/auth/refresh", &json!({"refresh_token": token})).await
}

fn text(made: &Value, member: &str) -> String {
    made[member].as_str().unwrap().to_owned()
}

/// The tokens of a new session of the owner's.
async fn log_in(app: &TestApp, tenant: &TestTenant) -> (String, String) {
    let made = app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.json(200);
    (text(&made, "access_token"), text(&made, "refresh_token"))
}

fn counter(series: &str) -> u64 {
    let text = metrics();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn me(app: &TestApp, token: &str) -> Answer {
    app.client.with_token(token).get("/auth/me").await
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshing_gives_the_next_tokens_of_the_same_session() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (access, token) = log_in(&app, &tenant).await;
    let before = me(&app, &access).await.json(200);
    app.clock.advance(TimeDelta::minutes(20));
    me(&app, &access).await.problem(401, "invalid_token");

    let answer = refresh(&app.client, &token).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let refreshed = answer.json(200);
    assert_eq!((&refreshed["token_type"], &refreshed["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(refreshed["user"]["email"], tenant.email.as_str());
    assert_eq!((&refreshed["user"]["roles"], &refreshed["tenant"]["id"]), (&json!(["owner"]), &json!(tenant.id)));
    let next = text(&refreshed, "refresh_token");
    assert!(next.starts_with(&format!("rt1_{}.", tenant.id)) && next != token);
    let after = me(&app, &text(&refreshed, "access_token")).await.json(200);
    assert_eq!(after["session"], before["session"]);
    refresh(&app.client, &next).await.json(200);
    let plain =
        format!("SELECT count(*) FROM refresh_tokens t WHERE t::text LIKE '%{}%'", next.split_once('.').unwrap().1);
    assert_eq!(app.database.count(&plain).await, 0, "only hashes are stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_shows_a_used_token_ends_its_session() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (access, token) = log_in(&app, &tenant).await;
    let session = text(&me(&app, &access).await.json(200)["session"], "id");
    let refreshed = refresh(&app.client, &token).await.json(200);
    me(&app, &text(&refreshed, "access_token")).await.json(200);
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
    // Nobody has it any more, neither who stole it nor who did not.
    for token in [&text(&refreshed, "access_token"), &access] {
        me(&app, token).await.problem(401, "invalid_token");
    }
    refresh(&app.client, &text(&refreshed, "refresh_token")).await.problem(401, "invalid_refresh_token");
    refresh(&app.client, &token).await.problem(401, "invalid_refresh_token");
    assert_eq!(app.database.count(&audited).await, 1, "it was over already");
    tenant.client.get("/auth/me").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_idles_after_a_week_and_ends_after_a_month() {
    let app = TestApp::start_with(Settings { alone: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (_, idle) = log_in(&app, &tenant).await;
    let (_, mut token) = log_in(&app, &tenant).await;
    let week = TimeDelta::days(7);
    for _ in 0..4 {
        app.clock.advance(week - MOMENT);
        token = text(&refresh(&app.client, &token).await.json(200), "refresh_token");
    }
    refresh(&app.client, &idle).await.problem(401, "invalid_refresh_token");
    app.clock.advance(TimeDelta::days(2));
    let refreshed = refresh(&app.client, &token).await.json(200);
    app.clock.advance(MOMENT * 3);
    me(&app, &text(&refreshed, "access_token")).await.json(200);
    app.clock.advance(MOMENT);
    me(&app, &text(&refreshed, "access_token")).await.problem(401, "invalid_token");
    refresh(&app.client, &text(&refreshed, "refresh_token")).await.problem(401, "invalid_refresh_token");
    app.finish_unprocessed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refresh_token_in_force_is_refused_in_one_way() {
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
        answers.push((answer.text.clone(), answer.lasting_headers()));
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
    // A header that names another tenant than the token is a mistake of the sender's, and costs them nothing.
    let elsewhere = app.client.with("x-tenant-id", &other.slug);
    refresh(&elsewhere, &token).await.problem(403, "tenant_mismatch");
    refresh(&app.client.with("x-tenant-id", "'; --"), &token).await.problem(400, "invalid_tenant_id");
    refresh(&app.client.with("x-tenant-id", &tenant.slug), &token).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_and_a_suspension_end_what_they_must() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let user = app.colleague(&tenant, Some("agent")).await;
    let session = async || {
        let made = app.log_in(&tenant.slug, &user.email, PASSWORD).await.json(200);
        (text(&made, "access_token"), text(&made, "refresh_token"))
    };
    // A changed password: all but the session that changed it.
    let ((mine, my_token), (others, others_token)) = (session().await, session().await);
    let change = json!({"current_password": PASSWORD, "new_password": "another horse battery"});
    app.client.with_token(&mine).post("/auth/password", &change).await.expect(204);
    me(&app, &others).await.problem(401, "invalid_token");
    refresh(&app.client, &others_token).await.problem(401, "invalid_refresh_token");
    me(&app, &mine).await.json(200);
    let my_token = text(&refresh(&app.client, &my_token).await.json(200), "refresh_token");

    // A role that is taken away: the session goes on, without the right.
    let take_away = format!("DELETE FROM memberships WHERE user_id = '{}'", user.id);
    app.database.execute(&take_away).await;
    app.client.with_token(&mine).get("/crm/contacts").await.problem(403, "insufficient_scope");
    let refreshed = refresh(&app.client, &my_token).await.json(200);
    let (mine, my_token) = (text(&refreshed, "access_token"), text(&refreshed, "refresh_token"));
    app.client.with_token(&mine).get("/crm/contacts").await.problem(403, "insufficient_scope");

    // A suspended user: all, and for good.
    tenant.client.patch(&user.path(), &json!({"status": "suspended"})).await.json(200);
    me(&app, &mine).await.problem(401, "invalid_token");
    refresh(&app.client, &my_token).await.problem(401, "invalid_refresh_token");
    tenant.client.patch(&user.path(), &json!({"status": "active"})).await.json(200);
    me(&app, &mine).await.problem(401, "invalid_token");
    refresh(&app.client, &my_token).await.problem(401, "invalid_refresh_token");

    // A suspended tenant: all, until it is active again. The token was not used meanwhile.
    let (access, token) = log_in(&app, &tenant).await;
    app.change(&tenant, "UPDATE tenants SET status = 'suspended' WHERE id = '$T'").await;
    me(&app, &access).await.problem(401, "invalid_token");
    refresh(&app.client, &token).await.problem(401, "invalid_refresh_token");
    app.change(&tenant, "UPDATE tenants SET status = 'active' WHERE id = '$T'").await;
    me(&app, &access).await.json(200);
    refresh(&app.client, &token).await.json(200);

    // A deleted user.
    let doomed = app.colleague(&tenant, None).await;
    let made = app.log_in(&tenant.slug, &doomed.email, PASSWORD).await.json(200);
    tenant.client.delete(&doomed.path()).await.expect(204);
    me(&app, &text(&made, "access_token")).await.problem(401, "invalid_token");
    refresh(&app.client, &text(&made, "refresh_token")).await.problem(401, "invalid_refresh_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twenty_first_session_ends_the_oldest_however_many_begin_at_once() {
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
