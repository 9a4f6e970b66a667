//! Meta apps of tenants: life cycle, secrets, and webhooks.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use kernel::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{MetaApp, Page, Resource as _, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::meta::{APP_SECRET, Number, VERIFY_TOKEN, sign_with, text};
use crate::kit::wait::until;

async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

async fn listed(tenant: &TestTenant) -> Vec<MetaApp> {
    tenant.client.list("/meta-apps").await
}

#[tokio::test(flavor = "multi_thread")]
async fn app_is_created_listed_changed_and_deleted() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let body = json!({
        "app_id": "1234567890", "name": "Own app", "app_secret": "hunter2-current", "verify_token": "hunter2-token",
        "previous_app_secret": "hunter2-previous",
    });
    let created = tenant.client.post("/meta-apps", &body).await;
    let first: MetaApp = created.body(201);
    let key = first.key.clone();
    let members: BTreeSet<String> = created.json(201).as_object().unwrap().keys().cloned().collect();
    let all = [
        "app_id",
        "created_at",
        "handshake",
        "has_previous_secret",
        "key",
        "name",
        "previous_secret_ends_at",
        "unusable_events",
        "updated_at",
        "webhook_path",
    ];
    assert_eq!(members, all.map(str::to_owned).into(), "no secret");
    assert_eq!(first.app_id, "1234567890");
    assert_eq!(first.name.as_deref(), Some("Own app"));
    assert!(first.has_previous_secret);
    assert_eq!(first.webhook_path, format!("/webhooks/whatsapp/{key}"));
    assert!(key.len() >= 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(listed(&tenant).await, std::slice::from_ref(&first));

    let path = format!("/meta-apps/{key}");
    app.clock.advance(TimeDelta::seconds(1));
    let edit = json!({"name": null, "app_secret": "hunter2-next", "verify_token": "hunter2-token-2"});
    let changed = tenant.client.patch(&path, &edit).await;
    let second: MetaApp = changed.body(200);
    assert_eq!((second.name.as_deref(), second.has_previous_secret), (None, true));
    assert_eq!(second.created_at, first.created_at);
    assert_ne!(second.updated_at, first.updated_at);
    assert_eq!(tenant.client.patch(&path, &json!({})).await.body::<MetaApp>(200), second);
    assert_eq!(listed(&tenant).await, [second]);

    // The secrets are in no response, and not in plain text in the database.
    assert!(!created.text.contains("hunter2") && !changed.text.contains("hunter2"));
    let readable = "SELECT count(*) FROM meta_apps t
                     WHERE t::text LIKE '%hunter2%' OR t::text LIKE '%' || encode('hunter2', 'hex') || '%'";
    assert_eq!(app.database.count(readable).await, 0);

    tenant.client.delete(&path).await.expect(204);
    tenant.client.delete(&path).await.problem(404, "not_found");
    tenant.client.patch(&path, &json!({"name": "x"})).await.problem(404, "not_found");
    assert_eq!(listed(&tenant).await, []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_app_lists_errors_without_secret_values() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let whole = json!({"app_id": "1", "app_secret": "a", "verify_token": "b"});
    let own = tenant.meta_app().await;
    let before = listed(&tenant).await;
    for (member, value) in [
        ("app_id", json!("12a")),
        ("app_id", Value::Null),
        ("name", json!("")),
        ("app_secret", json!("")),
        ("app_secret", json!("hunter2 ")),
        ("app_secret", json!("hunter2".repeat(40))),
        ("app_secret", Value::Null),
        ("app_secret", json!(["hunter2"])),
        ("previous_app_secret", json!("")),
        ("verify_token", json!("")),
        ("verify_token", json!(" hunter2")),
        ("verify_token", Value::Null),
        ("key", json!("0123456789abcdef0123456789abcdef01234567")),
    ] {
        let mut body = whole.clone();
        body[member] = value.clone();
        let answer = tenant.client.post("/meta-apps", &body).await;
        assert_eq!(answer.problem(422, "validation_failed").pointer(), format!("/{member}"), "{value}");
        assert!(!answer.text.contains("hunter2"));
        // A patch cannot change the app id either.
        let answer = tenant.client.patch(&own.path(), &json!({ member: value })).await;
        assert_eq!(answer.problem(422, "validation_failed").pointer(), format!("/{member}"), "{value}");
        assert!(!answer.text.contains("hunter2"));
    }
    assert_eq!(listed(&tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_listed_in_pages() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for _ in 0..3 {
        tenant.meta_app().await;
    }
    let first: Page<MetaApp> = tenant.client.read("/meta-apps?limit=2").await;
    let cursor = first.cursor();
    let second: Page<MetaApp> = tenant.client.read(&format!("/meta-apps?limit=2&cursor={cursor}")).await;
    assert_eq!(second.next_cursor, None);
    let cursor = cursor.to_owned();
    let walked = [first.data, second.data].concat();
    assert_eq!(walked, listed(&tenant).await);
    tenant.client.get(&format!("/whatsapp-accounts?cursor={cursor}")).await.problem(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_reset_accepts_old_secret_until_cleared() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let rotate = async |patch: Value| {
        tenant.client.patch(&own.path(), &patch).await.expect(200);
    };
    let accepted = async |secrets: &[&str]| {
        let mut accepted = Vec::new();
        for secret in secrets {
            let answer = app.deliver_signed(&own.webhook(), secret, b"{\"entry\":[]}").await;
            match answer.status.as_u16() {
                200 => accepted.push((*secret).to_owned()),
                _ => drop(answer.problem(401, "invalid_signature")),
            }
        }
        accepted
    };
    let old = own.secret.as_str();
    let all = [old, "second", "third"];
    assert_eq!(accepted(&all).await, [old]);
    rotate(json!({"app_secret": "second"})).await;
    assert_eq!(accepted(&all).await, [old, "second"]);
    rotate(json!({"app_secret": "second"})).await;
    assert_eq!(accepted(&all).await, [old, "second"], "a repeated request");
    rotate(json!({"previous_app_secret": null})).await;
    assert_eq!(accepted(&all).await, ["second"]);
    rotate(json!({"app_secret": "third", "previous_app_secret": old})).await;
    assert_eq!(accepted(&all).await, [old, "third"]);
    app.client.delete(&own.path()).await.problem(401, "unauthenticated");
    tenant.client.delete(&own.path()).await.expect(204);
    assert_eq!(accepted(&all).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn previous_secret_ends_eight_days_after_rotation() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    assert_eq!(listed(&tenant).await[0].previous_secret_ends_at, None);
    let rotated_at = app.clock.now();
    let rotated: MetaApp = tenant.client.patch(&own.path(), &json!({"app_secret": "second"})).await.body(200);
    let ends_at: DateTime<Utc> = rotated.previous_secret_ends_at.as_deref().unwrap().parse().unwrap();
    // The database keeps microseconds.
    assert!((ends_at - rotated_at - TimeDelta::days(8)).abs() < TimeDelta::milliseconds(1), "{ends_at}");
    let status = async |secret: &str| {
        let answer = app.deliver_signed(&own.webhook(), secret, b"{\"entry\":[]}").await;
        answer.status.as_u16()
    };
    app.clock.advance(TimeDelta::days(8) - TimeDelta::seconds(1));
    assert_eq!((status(&own.secret).await, status("second").await), (200, 200));
    let tenant = tenant.log_in_again(&app).await;
    let stored = listed(&tenant).await.remove(0);
    assert_eq!((stored.has_previous_secret, stored.previous_secret_ends_at), (true, rotated.previous_secret_ends_at));

    // Secrets that were read are used for five seconds.
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!((status(&own.secret).await, status("second").await), (401, 200));
    let ended = listed(&tenant).await.remove(0);
    assert_eq!((ended.has_previous_secret, ended.previous_secret_ends_at), (false, None));
    // The next change deletes it.
    tenant.client.patch(&own.path(), &json!({"name": "Shop"})).await.expect(200);
    let stored = "SELECT count(*) FROM meta_apps
                   WHERE num_nonnulls(previous_app_secret_sealed, previous_app_secret_ends_at) > 0";
    assert_eq!(app.database.count(stored).await, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_app_has_own_handshake() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (own, other) = (tenant.meta_app().await, tenant.meta_app().await);
    let ask = async |path: &str, token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        app.client.with("x-request-id", "same").get(&format!("{path}?{query}")).await
    };
    let answer = ask(&own.webhook(), &own.verify_token).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "1158201444"));
    assert!(answer.header("content-type").starts_with("text/plain"));

    let refused = ask(&own.webhook(), "wrong").await;
    refused.problem(403, "handshake_refused");
    let deployments: String = url::form_urlencoded::byte_serialize(VERIFY_TOKEN.as_bytes()).collect();
    let unknown = format!("/webhooks/whatsapp/{}", "0".repeat(40));
    for (path, token) in [
        (own.webhook(), other.verify_token.as_str()),
        (own.webhook(), deployments.as_str()),
        ("/webhooks/whatsapp".to_owned(), own.verify_token.as_str()),
        (unknown, own.verify_token.as_str()),
        ("/webhooks/whatsapp/deployment".to_owned(), deployments.as_str()),
    ] {
        let answer = ask(&path, token).await;
        assert_eq!((answer.status, &answer.text), (refused.status, &refused.text), "{path}");
    }
    app.client.get(&own.webhook()).await.problem(400, "invalid_query");

    tenant.client.patch(&own.path(), &json!({"verify_token": "new"})).await.expect(200);
    ask(&own.webhook(), &own.verify_token).await.problem(403, "handshake_refused");
    ask(&own.webhook(), "new").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_shows_its_last_handshakes() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (own, other) = (tenant.meta_app().await, tenant.meta_app().await);
    let shown = async |key: &str| listed(&tenant).await.into_iter().find(|it| it.key == key).unwrap().handshake;
    let ask = async |token: &str, status: u16| {
        let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
        app.client.get(&format!("{}?{query}", own.webhook())).await.expect(status);
    };
    assert_eq!((shown(&own.key).await.succeeded_at, shown(&own.key).await.failed_at), (None, None));
    ask("wrong", 403).await;
    let failed = until("the failure", async || shown(&own.key).await.failed_at).await;
    assert_eq!(shown(&own.key).await.succeeded_at, None);
    ask(&own.verify_token, 200).await;
    until("the success", async || shown(&own.key).await.succeeded_at).await;
    assert_eq!(shown(&own.key).await.failed_at, Some(failed.clone()));
    app.clock.advance(TimeDelta::minutes(1));
    ask("wrong", 403).await;
    until("the next failure", async || (shown(&own.key).await.failed_at != Some(failed.clone())).then_some(())).await;
    assert_eq!((shown(&other.key).await.succeeded_at, shown(&other.key).await.failed_at), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn app_shows_a_number_that_is_not_connected() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (own, number) = (tenant.meta_app().await, Number::fresh());
    let shown = async || listed(&tenant).await.remove(0).unusable_events;
    assert_eq!(shown().await, None);
    // The "Test" button at Meta.
    let test = Number { phone_number_id: "123456123".to_owned(), waba_id: "0".to_owned() };
    app.deliver_for_app(&own, &test.delivery(&[text("16315551181", "this is a text message")])).await.expect(200);
    let events = shown().await.unwrap();
    assert_eq!((events.stored, events.dropped), (1, 0));
    assert_eq!(events.day, app.clock.now().date_naive().to_string());
    let unconnected = events.unconnected_number.unwrap();
    assert_eq!(unconnected.phone_number_id, "123456123");
    assert!(unconnected.advice.starts_with("The webhook works"), "{}", unconnected.advice);

    app.clock.advance(TimeDelta::seconds(1));
    app.deliver_for_app(&own, &number.delivery(&[text("15550100", "early")])).await.expect(200);
    let later = shown().await.unwrap().unconnected_number.unwrap();
    assert_eq!(later.phone_number_id, number.phone_number_id);
    assert!(later.at > unconnected.at && later.advice.contains("POST /whatsapp-accounts"), "{later:?}");
    assert_eq!(listed(&app.tenant().await).await, []);
    tenant.connect_to(&own, &number).await;
    assert_eq!(shown().await.unwrap().unconnected_number, None, "it is connected now");
    let renamed = tenant.client.patch(&own.path(), &json!({"name": "Shop"})).await.json(200);
    assert_eq!(renamed["unusable_events"]["stored"], 2, "a change shows it, too");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_do_not_reveal_whether_app_exists() {
    let app = isolated_app().await;
    let own = app.tenant().await.meta_app().await;
    let client = app.client.with("x-request-id", "same");
    let unknown = format!("/webhooks/whatsapp/{}", "0".repeat(40));
    let long = vec![b' '; 4 * 1024 * 1024 + 1];
    for (body, code) in [(b"{}".to_vec(), "invalid_signature"), (long, "body_too_large")] {
        let client = client.with("x-hub-signature-256", &sign_with("wrong", b"{}"));
        let there = client.send(Method::POST, &own.webhook(), Some(body.clone())).await;
        let none = client.send(Method::POST, &unknown, Some(body)).await;
        none.problem(none.status.as_u16(), code);
        assert_eq!((there.status, &there.text), (none.status, &none.text));
        let headers = |answer: &crate::kit::client::Response| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!(headers(&there), headers(&none));
    }
    // Another app's secret, the deployment's, or none is refused.
    let other = app.tenant().await.meta_app().await;
    for secret in [APP_SECRET, other.secret.as_str()] {
        app.deliver_signed(&own.webhook(), secret, b"{}").await.problem(401, "invalid_signature");
    }
    app.deliver_signed("/webhooks/whatsapp", &own.secret, b"{}").await.problem(401, "invalid_signature");
    client.send(Method::POST, &own.webhook(), Some(b"{}".to_vec())).await.problem(401, "invalid_signature");
    assert_eq!(app.events("true").await, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_is_answered_with_503() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let number = Number::fresh();
    tenant.connect_to(&own, &number).await;
    let delivery = number.delivery(&[text("15550100", "later")]);
    app.database.refuse_connections().await;
    let answer = app.deliver_for_app(&own, &delivery).await;
    answer.problem(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    app.database.accept_connections().await;
    app.deliver_for_app(&own, &delivery).await.expect(200);
    assert_eq!(app.events("status = 'received'").await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn app_is_visible_to_its_tenant_only() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let own = ours.meta_app().await;
    assert_eq!(listed(&theirs).await, []);
    let theirs_same = theirs.client.with("x-request-id", "same");
    let missing = format!("/meta-apps/{}", "0".repeat(40));
    for path in [own.path(), missing, "/meta-apps/deployment".to_owned()] {
        let changed = theirs_same.patch(&path, &json!({"name": "mine"})).await;
        changed.problem(404, "not_found");
        let deleted = theirs_same.delete(&path).await;
        assert_eq!((changed.status, &changed.text), (deleted.status, &deleted.text), "{path}");
    }
    for key in [own.key.as_str(), &"0".repeat(40), "deployment", "", "x"] {
        let number = Number::fresh();
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": key});
        let problem = theirs.client.post("/whatsapp-accounts", &body).await.problem(422, "validation_failed");
        let errors = column(&problem.errors, |it| (it.pointer.as_deref(), it.code.as_str(), it.detail.as_str()));
        let detail = "must be the key of one of the tenant's own Meta apps";
        assert_eq!(errors, [(Some("/app"), "invalid", detail)], "{key}");
    }
    assert_eq!(theirs.accounts().await, []);
    assert_eq!(listed(&ours).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_in_use_cannot_be_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let account = tenant.connect_to(&own, &Number::fresh()).await;
    tenant.client.delete(&own.path()).await.problem(409, "app_in_use");
    tenant.client.delete(&account.path()).await.expect(204);
    tenant.client.delete(&own.path()).await.expect(204);
    assert_eq!(tenant.client.reload(&account).await.app, Some(own.key));
}

#[tokio::test(flavor = "multi_thread")]
async fn app_with_concurrent_connect_is_not_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for _ in 0..10 {
        let own = tenant.meta_app().await;
        let number = Number::fresh();
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": own.key});
        let connecting = tenant.client.post("/whatsapp-accounts", &body);
        let path = own.path();
        let (connected, deleted) = futures_util::join!(connecting, tenant.client.delete(&path));
        match (connected.status.as_u16(), deleted.status.as_u16()) {
            (201, 409) | (422, 204) => {}
            other => panic!("{other:?}: {} {}", connected.text, deleted.text),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_rotations_leave_valid_secrets() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let path = own.path();
    let secrets: Vec<String> = (0..8).map(|n| format!("secret-{n}")).collect();
    let patches: Vec<Value> = secrets.iter().map(|secret| json!({"app_secret": secret})).collect();
    let answers = join_all(patches.iter().map(|patch| tenant.client.patch(&path, patch))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let mut accepted = 0;
    for secret in secrets.iter().chain([&own.secret]) {
        accepted += i32::from(app.deliver_signed(&own.webhook(), secret, b"{\"entry\":[]}").await.status == 200);
    }
    assert_eq!(accepted, 2, "the current and the previous secret");
}
