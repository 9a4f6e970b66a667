//! The user's own sessions: listed and ended, on all instances at once.

use chrono::TimeDelta;
use flows::{Database as _, settle};
use kernel::Clock as _;
use serde_json::json;

use crate::kit::api::{LoggedIn, Me, Page, Resource as _, Session};
use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant};
use crate::kit::client::Client;

/// A session of the owner, with its refresh token.
struct Login {
    client: Client,
    refresh_token: String,
}

impl Login {
    async fn of(app: &TestApp, tenant: &TestTenant) -> Self {
        let made: LoggedIn = app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.body(200);
        Self { client: app.client.with_token(&made.access_token), refresh_token: made.refresh_token }
    }

    async fn id(&self) -> String {
        self.client.read::<Me>("/auth/me").await.session.id
    }

    async fn is_over(&self, app: &TestApp) {
        self.client.get("/auth/me").await.problem(401, "invalid_token");
        let refresh = json!({"refresh_token": self.refresh_token});
        app.client.post("/auth/refresh", &refresh).await.problem(401, "invalid_refresh_token");
    }
}

async fn list(client: &Client, query: &str) -> Vec<Session> {
    client.list(&format!("/auth/sessions{query}")).await
}

async fn audited(app: &TestApp, tenant: &TestTenant, condition: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM audit_records WHERE tenant_id = '{}' AND action = 'sessions.ended'
            AND actor_kind = 'user' AND request_id IS NOT NULL AND {condition}",
        tenant.id
    );
    app.database.count(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_lists_only_own_sessions() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let browser = app.client.with("user-agent", "Browser/1.0").with("x-tenant-id", &tenant.slug);
    let login = json!({"email": tenant.email, "password": PASSWORD});
    let session: LoggedIn = browser.post("/auth/login", &login).await.body(200);
    let client = app.client.with_token(&session.access_token);
    let colleague = app.user(&tenant, Some("owner")).await;

    let sessions = list(&client, "").await;
    assert_eq!(sessions.len(), 2);
    let (newest, oldest) = (&sessions[0], &sessions[1]);
    assert_eq!((newest.current, oldest.current), (true, false));
    assert_eq!(
        (newest.user_agent.as_deref(), newest.address.as_deref()),
        (Some("Browser/1.0"), Some(app.client.address()))
    );
    for time in [&newest.created_at, &newest.last_seen_at, &newest.idle_expires_at, &newest.expires_at] {
        assert!(time.ends_with('Z'), "{newest:?}");
    }
    let page: Page<Session> = client.read("/auth/sessions?limit=1").await;
    assert_eq!(page.data, std::slice::from_ref(newest));
    let cursor = page.cursor();
    assert_eq!(list(&client, &format!("?limit=1&cursor={cursor}")).await, std::slice::from_ref(oldest));
    // Another user of the tenant cannot end it, whatever their permissions.
    assert_eq!(list(&colleague.client, "").await.len(), 1);
    colleague.client.get(&format!("/auth/sessions?cursor={cursor}")).await.problem(400, "invalid_cursor");
    let theirs = newest.path();
    let foreign = colleague.client.with("x-request-id", "same").delete(&theirs).await;
    let missing = "/auth/sessions/0190b5a2-7e2f-7000-8000-000000000000";
    let unknown = colleague.client.with("x-request-id", "same").delete(missing).await;
    foreign.problem(404, "not_found");
    assert_eq!(foreign.text, unknown.text);
    client.get("/auth/me").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_end_applies_across_instances_at_once() {
    let app = TestApp::start().await;
    let other = app.start_another(Settings::default()).await;
    let tenant = app.tenant().await;
    let (one, two) = (Login::of(&app, &tenant).await, Login::of(&app, &tenant).await);
    let on_other = Client::new(other.client.base()).with_token(&tenant.token);
    on_other.get("/auth/me").await.json(200);
    // Without a body it ends the current session.
    tenant.client.send(reqwest::Method::POST, "/auth/logout", None).await.expect(204);
    on_other.get("/auth/me").await.problem(401, "invalid_token");
    tenant.client.get("/auth/me").await.problem(401, "invalid_token");
    assert_eq!(audited(&app, &tenant, "changes->>'reason' = 'logout'").await, 1);

    let path = format!("/auth/sessions/{}", two.id().await);
    one.client.delete(&path).await.expect(204);
    two.is_over(&other).await;
    two.is_over(&app).await;
    one.client.delete(&path).await.problem(404, "not_found");
    assert_eq!(audited(&app, &tenant, "changes->>'reason' = 'revoked' AND target_kind = 'session'").await, 1);
    one.client.get("/auth/me").await.json(200);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_this_other_or_all_sessions() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let colleague = app.user(&tenant, None).await;
    let (this, second, third) =
        (Login::of(&app, &tenant).await, Login::of(&app, &tenant).await, Login::of(&app, &tenant).await);
    for (body, status, code) in [
        (json!({"scope": "mine"}), 422, "validation_failed"),
        (json!({"scop": "all"}), 422, "validation_failed"),
        (json!([]), 422, "validation_failed"),
    ] {
        this.client.post("/auth/logout", &body).await.problem(status, code);
    }
    let plain = this.client.with("content-type", "text/plain");
    let sent = plain.send(reqwest::Method::POST, "/auth/logout", Some(b"{}".to_vec())).await;
    sent.problem(415, "unsupported_media_type");
    third.client.get("/auth/me").await.json(200);

    this.client.post("/auth/logout", &json!({"scope": "others"})).await.expect(204);
    second.is_over(&app).await;
    third.is_over(&app).await;
    assert_eq!(list(&this.client, "").await.len(), 1);
    let others = "changes->>'reason' = 'logout_others' AND changes->>'sessions' = '3' AND target_kind = 'user'";
    assert_eq!(audited(&app, &tenant, others).await, 1);
    this.client.post("/auth/logout", &json!({"scope": "others"})).await.expect(204);
    assert_eq!(audited(&app, &tenant, "changes->>'reason' = 'logout_others'").await, 1, "nothing ended");

    let again = Login::of(&app, &tenant).await;
    again.client.post("/auth/logout", &json!({"scope": "all"})).await.expect(204);
    again.is_over(&app).await;
    this.is_over(&app).await;
    colleague.client.get("/auth/me").await.json(200);
    let fourth = Login::of(&app, &tenant).await;
    fourth.client.post("/auth/logout", &json!({"scope": "this"})).await.expect(204);
    fourth.is_over(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_are_purged() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (ended, stays) = (Login::of(&app, &tenant).await, Login::of(&app, &tenant).await);
    ended.client.post("/auth/logout", &json!({})).await.expect(204);
    let purge = async |limit: i64| {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = tx.purge_sessions(app.clock.now() - TimeDelta::days(7), limit).await;
        settle(tx, purged).await.unwrap()
    };
    let rows = async |table: &str| app.database.count(&format!("SELECT count(*) FROM {table}")).await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    let refresh = json!({"refresh_token": stays.refresh_token});
    app.client.post("/auth/refresh", &refresh).await.json(200);
    assert_eq!(purge(10).await, 0);
    app.clock.advance(TimeDelta::seconds(2));
    assert_eq!((purge(10).await, rows("sessions").await), (1, 2));
    ended.is_over(&app).await;
    // The sign-up's session went idle a week ago.
    app.clock.advance(TimeDelta::days(7));
    assert_eq!((purge(1).await, purge(1).await), (1, 0));
    assert_eq!((rows("sessions").await, rows("refresh_tokens").await), (1, 2));
    app.stop().await;
}
