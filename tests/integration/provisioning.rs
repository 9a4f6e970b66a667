//! Tenants that operators create.

use chrono::TimeDelta;
use flows::{Database as _, revoke_provisioning_key, settle};
use futures_util::future::join_all;
use kernel::Clock as _;
use serde_json::{Value, json};
use tokens::KeyScope;

use crate::kit::api::{AuditRecord, LoggedIn, Page, Party, Resource as _, Tenant, column};
use crate::kit::app::{PASSWORD, Settings, SignUp, TestApp};
use crate::kit::client::Client;
use crate::kit::meta::{fresh_digits, text};
use crate::kit::operators::{all_scopes, key, operator};

const BOTH: [KeyScope; 2] = [KeyScope::TenantsRead, KeyScope::TenantsWrite];
const BOOTSTRAP: &str = "parley_pk_of-this-test";

async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

fn tenant_body(slug: &str) -> Value {
    json!({
        "name": "Made by an operator",
        "slug": slug,
        "owner": {"email": "owner@example.com", "password": PASSWORD, "name": "Ada"},
    })
}

fn fresh_slug() -> String {
    format!("made-{}", fresh_digits())
}

/// The rows that a new tenant starts with.
async fn rows(app: &TestApp) -> i64 {
    let tables = ["tenants", "roles", "role_permissions", "users", "memberships", "audit_records"];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
    app.database.count(&format!("SELECT {counts} AS count")).await
}

async fn actions(client: &Client, log: &str) -> Vec<String> {
    client.list::<AuditRecord>(log).await.into_iter().map(|record| record.action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_creation_without_operator_is_refused_and_audited() {
    let app = isolated_app().await;
    let owner = app.tenant().await;
    let (_, _, audit) = key(&app, &[KeyScope::AuditRead], None).await;
    let end = app.clock.now() + TimeDelta::hours(1);
    let (_, secret, expired) = key(&app, &BOTH, Some(end)).await;
    app.clock.advance(TimeDelta::hours(1));
    let (revoked_id, _, revoked) = key(&app, &BOTH, None).await;
    let mut tx = app.postgres.operator().await.unwrap();
    let ended = revoke_provisioning_key(operator(), &mut *tx, revoked_id, &*app.clock).await;
    assert!(settle(tx, ended).await.unwrap());
    let (_, _, reader) = key(&app, &[KeyScope::TenantsRead], None).await;
    let owner = owner.log_in_again(&app).await.client;
    let wrong = app.client.with_token(&format!("{}x", &secret[..secret.len() - 1]));
    let before = rows(&app).await;
    let attempts = [
        (&app.client, 401, "unauthenticated"),
        (&app.client.with_token("garbage"), 401, "invalid_token"),
        (&owner, 403, "operators_only"),
        (&expired, 401, "invalid_token"),
        (&revoked, 401, "invalid_token"),
        (&wrong, 401, "invalid_token"),
        (&reader, 403, "insufficient_scope"),
        // Without a configured bootstrap key there is none.
        (&app.client.with_token(BOOTSTRAP), 401, "invalid_token"),
    ];
    for (client, status, code) in attempts {
        client.post("/tenants", &tenant_body(&fresh_slug())).await.problem(status, code);
        let path = format!("/tenants/{}", app.database.text("SELECT max(id::text) AS finding FROM tenants").await);
        client.patch(&path, &json!({"status": "suspended"})).await.problem(status, code);
    }
    assert_eq!(rows(&app).await, before);
    assert_eq!(app.database.count("SELECT count(*) FROM tenants WHERE status <> 'active'").await, 0);
    let records: Vec<AuditRecord> = audit.list("/platform/audit-log?action=operator.refused&limit=100").await;
    let endpoints = column(&records, AuditRecord::target_id);
    // Those of the owner, the reader, and the holders of the keys that have ended: the others are strangers.
    assert_eq!(endpoints.len(), 2 * 4);
    assert_eq!(endpoints.iter().filter(|endpoint| **endpoint == "POST /tenants").count(), 4);
    assert!(records.iter().all(|record| record.request_id.is_some()), "{records:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_manages_tenant_life_cycle() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let scopes = [KeyScope::TenantsRead, KeyScope::TenantsWrite, KeyScope::AuditRead];
    let (id_of_key, _, client) = key(&app, &scopes, None).await;
    let slug = fresh_slug();
    let made: Tenant = client.create(&tenant_body(&slug)).await;
    assert_eq!((made.slug.as_str(), made.status.as_str()), (slug.as_str(), "active"));
    let path = made.path();
    assert_eq!(client.reload(&made).await, made);
    let logged_in: LoggedIn = app.log_in(&slug, "OWNER@example.com", PASSWORD).await.body(200);
    assert_eq!(logged_in.user.roles, ["owner"]);
    let owner = app.client.with_token(&logged_in.access_token);

    let second: Tenant = client.create(&json!({"name": "No Slug", "owner": tenant_body("x")["owner"]})).await;
    assert_eq!(second.slug, "no-slug");
    let third: Tenant = client.create(&json!({"name": "No Slug", "owner": tenant_body("x")["owner"]})).await;
    assert!(third.slug.starts_with("no-slug-"), "{third:?}");
    let page: Page<Tenant> = client.read("/tenants?limit=2").await;
    assert_eq!(page.data[0].id, third.id, "newest first");
    let rest: Page<Tenant> = client.read(&format!("/tenants?cursor={}", page.cursor())).await;
    assert_eq!(rest.data, std::slice::from_ref(&made));

    let patched: Tenant = client.patch(&path, &json!({"name": "Renamed", "status": "suspended"})).await.body(200);
    assert_eq!((patched.name.as_str(), patched.status.as_str()), ("Renamed", "suspended"));
    owner.get("/auth/me").await.problem(401, "invalid_token");
    app.log_in(&slug, "owner@example.com", PASSWORD).await.problem(401, "invalid_credentials");
    assert_eq!(client.list::<Tenant>("/tenants?status=suspended").await, [patched]);
    client.patch(&path, &json!({"status": "suspended"})).await.json(200);
    client.patch(&path, &json!({"status": "active"})).await.json(200);
    owner.get("/auth/me").await.json(200);

    let ours = ["tenant.reactivated", "user.logged_in", "tenant.suspended", "tenant.changed", "user.logged_in"];
    let records: Vec<AuditRecord> = owner.list("/audit-log").await;
    let expected = [&ours[..], &["tenant.created"]].concat();
    assert_eq!(column(&records, |it| it.action.as_str()), expected, "a request without effect is not audited");
    assert_eq!(records[0].actor, Party::new("provisioning_key", id_of_key.to_string()));
    assert_eq!(records[1].outcome, "refused");
    let platform = actions(&client, &format!("/platform/audit-log?target={}", made.id)).await;
    assert_eq!(platform, ["tenant.reactivated", "tenant.suspended", "tenant.changed", "tenant.created"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_events_are_processed_on_reactivation() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (_, _, client) = key(&app, &BOTH, None).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let path = format!("/tenants/{}", tenant.id);
    client.patch(&path, &json!({"status": "suspended"})).await.json(200);
    app.deliver(&number.delivery(&[text("15550100", "held")])).await.expect(200);
    assert_eq!(app.events("status = 'held'").await, 1);
    client.patch(&path, &json!({"status": "active"})).await.json(200);
    assert_eq!(tenant.wait_for_conversations(1).await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_provisioning_creates_one_tenant() {
    let app = isolated_app().await;
    let (_, _, client) = key(&app, &BOTH, None).await;
    let (_, _, other) = key(&app, &BOTH, None).await;
    let slug = fresh_slug();
    let once = client.with("idempotency-key", "deploy-1");
    let body = tenant_body(&slug);
    let answers = join_all((0..10).map(|_| once.post("/tenants", &body))).await;
    let made: Vec<Tenant> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.body(201)).collect();
    assert!(!made.is_empty() && made.windows(2).all(|pair| pair[0] == pair[1]), "{made:?}");
    for running in answers.iter().filter(|answer| answer.status != 201) {
        running.problem(409, "request_running");
    }
    let again = once.post("/tenants", &tenant_body(&slug)).await;
    assert_eq!((again.body::<Tenant>(201), again.header("idempotency-replayed")), (made[0].clone(), "true"));
    assert_eq!(app.database.count("SELECT count(*) FROM tenants").await, 1);
    once.post("/tenants", &tenant_body(&fresh_slug())).await.problem(422, "idempotency_key_reused");
    // The same idempotency key of another operator is another request.
    other.with("idempotency-key", "deploy-1").post("/tenants", &tenant_body(&slug)).await.problem(409, "slug_taken");
    // It expires after a day.
    app.clock.advance(TimeDelta::hours(24));
    once.post("/tenants", &tenant_body(&slug)).await.problem(409, "slug_taken");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_provisioning_leaves_no_rows() {
    let app = isolated_app().await;
    let (_, _, client) = key(&app, &BOTH, None).await;
    let before = rows(&app).await;
    let steps =
        ["tenants", "roles", "role_permissions", "users", "memberships", "audit_records", "platform_audit_records"];
    for table in steps {
        let break_it = format!(
            "CREATE OR REPLACE FUNCTION public.a_fault() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
               AS $$ BEGIN RAISE EXCEPTION 'a fault of this test'; END $$;
             CREATE TRIGGER a_fault AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.a_fault()"
        );
        app.database.execute(&break_it).await;
        let slug = fresh_slug();
        let keyed = client.with("idempotency-key", table);
        keyed.post("/tenants", &tenant_body(&slug)).await.problem(500, "internal_error");
        assert_eq!(rows(&app).await, before, "{table}");
        app.database.execute(&format!("DROP TRIGGER a_fault ON {table}")).await;
    }
    client.with("idempotency-key", "tenants").post("/tenants", &tenant_body(&fresh_slug())).await.json(201);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_tenant_lists_errors_and_stores_nothing() {
    let app = isolated_app().await;
    let (_, _, client) = key(&app, &BOTH, None).await;
    let taken = fresh_slug();
    let made: Tenant = client.create(&tenant_body(&taken)).await;
    let before = rows(&app).await;
    client.post("/tenants", &tenant_body(&taken)).await.problem(409, "slug_taken");
    let mut rows_of_wrong = Vec::new();
    for (pointer, value, at) in [
        ("/name", json!(" "), "/name"),
        ("/slug", json!("No Slug"), "/slug"),
        ("/owner/email", json!("nobody"), "/owner/email"),
        ("/owner/name", json!("a\nb"), "/owner/name"),
    ] {
        let mut body = tenant_body(&fresh_slug());
        *body.pointer_mut(pointer).unwrap() = value;
        rows_of_wrong.push((body, at));
    }
    for (body, at) in rows_of_wrong {
        let problem = client.post("/tenants", &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), at, "{problem}");
    }
    let mut weak = tenant_body(&fresh_slug());
    weak["owner"]["password"] = json!("password123");
    client.post("/tenants", &weak).await.problem(422, "weak_password");
    let path = made.path();
    for body in [json!({"slug": "another"}), json!({"status": "gone"}), json!({"name": null})] {
        client.patch(&path, &body).await.problem(422, "validation_failed");
    }
    client
        .patch("/tenants/0190b5a2-7e2f-7000-8000-000000000000", &json!({"name": "X"}))
        .await
        .problem(404, "not_found");
    client.get("/tenants/0190b5a2-7e2f-7000-8000-000000000000").await.problem(404, "not_found");
    client.get("/tenants?status=gone").await.problem(400, "invalid_query");
    assert_eq!(rows(&app).await, before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_key_creates_tenant_with_sign_up_closed() {
    let settings =
        Settings { own_database: true, bootstrap_key: Some(BOOTSTRAP), signup: SignUp::Closed, ..Settings::default() };
    let app = TestApp::start_with(settings).await;
    let signup = json!({"tenant_name": "Acme", "email": "ada@example.com", "password": PASSWORD});
    app.client.post("/auth/signup", &signup).await.problem(403, "signup_closed");
    assert_eq!(app.database.count("SELECT count(*) FROM tenants").await, 0);
    let client = app.client.with_token(BOOTSTRAP);
    let made: Tenant = client.with("idempotency-key", "first").create(&tenant_body(&fresh_slug())).await;
    assert_eq!(client.all::<Tenant>().await, [made]);
    let records: Vec<AuditRecord> = client.list("/platform/audit-log?action=tenant.created").await;
    assert_eq!(records[0].actor, Party::without_id("bootstrap_key"));
    app.client.with_token("parley_pk_of-another").get("/tenants").await.problem(401, "invalid_token");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weight_is_changed_by_operators_within_its_limits() {
    let app = TestApp::start().await;
    let (tenant, operator) = (app.tenant().await, all_scopes(&app).await);
    let path = format!("/tenants/{}", tenant.id);
    assert_eq!(operator.get(&path).await.json(200)["weight"], 1);
    for weight in [10, 1, 2, 2] {
        assert_eq!(operator.patch(&path, &json!({"weight": weight})).await.json(200)["weight"], weight);
    }
    assert_eq!(operator.patch(&path, &json!({"weight": 2.0})).await.json(200)["weight"], 2);
    for refused in [json!(0), json!(11), json!(-1), json!(null), json!("2"), json!(1.5)] {
        let problem = operator.patch(&path, &json!({"weight": refused})).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), "/weight", "{refused}");
    }
    let listed = operator.get("/tenants?limit=100").await.json(200);
    let listed = listed["data"].as_array().unwrap().iter().find(|it| it["id"] == tenant.id.as_str()).unwrap();
    assert_eq!(listed["weight"], 2);
    tenant.client.patch("/tenant", &json!({"weight": 9})).await.problem(422, "validation_failed");
    assert_eq!(tenant.client.get("/tenant").await.json(200).get("weight"), None);
    let records: Vec<AuditRecord> = tenant.client.list("/audit-log?action=tenant.changed").await;
    let weights: Vec<&Value> = records.iter().map(|record| &record.changes["weight"]).collect();
    assert_eq!(weights, [&json!(2), &json!(1), &json!(10)]);
}
