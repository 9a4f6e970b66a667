//! Rates of requests, and how many are worked on.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use config::LimitsConfig;
use diesel_async::SimpleAsyncConnection;
use serde_json::json;

use crate::kit::app::{NO_LIMITS, Settings, TestApp};
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn user_has_a_quota_that_comes_back() {
    let limits =
        LimitsConfig { requests_per_user: NonZeroU32::new(6), requests_per_address: NonZeroU32::new(100), ..NO_LIMITS };
    let app = TestApp::start_with(Settings { limits, ..Settings::default() }).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    for left in (0..6).rev() {
        let answer = tenant.client.with_fresh_address().get("/auth/me").await;
        answer.expect(200);
        let fields = answer.header("ratelimit");
        assert!(fields.starts_with(&format!(r#""user";r={left};t="#)), "{fields}");
        assert!(fields.contains(r#""address";r=99;t=1"#), "{fields}");
        assert_eq!(answer.header("ratelimit-policy"), r#""user";q=6;w=60, "address";q=100;w=60"#);
    }
    let refused = tenant.client.get("/auth/me").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "10");
    other.client.get("/auth/me").await.expect(200);
    app.clock.advance(TimeDelta::seconds(10));
    tenant.client.get("/auth/me").await.expect(200);
}

/// Locks a table for as long as the connection lives.
const LOCK: &str = "BEGIN; LOCK TABLE audit_records IN ACCESS EXCLUSIVE MODE";
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";

#[tokio::test(flavor = "multi_thread")]
async fn full_process_refuses_requests_but_answers_probes() {
    let app = TestApp::start_with(Settings { own_database: true, max_requests: 2, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let mut admin = app.database.admin().await;
    admin.batch_execute(LOCK).await.unwrap();
    let reads = [(); 2].map(|()| {
        let client = tenant.client.clone();
        tokio::spawn(async move { client.get("/audit-log").await })
    });
    wait::until("both to be worked on", async || (app.database.count(WAITING).await == 2).then_some(())).await;
    let refused = tenant.client.get("/auth/me").await;
    refused.problem(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "5");
    app.client.get("/healthz").await.expect(200);
    admin.batch_execute("ROLLBACK").await.unwrap();
    for read in reads {
        read.await.unwrap().expect(200);
    }
    tenant.client.get("/auth/me").await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_leaves_others_a_place() {
    let settings = Settings { own_database: true, max_requests_per_address: 2, ..Settings::default() };
    let app = TestApp::start_with(settings).await;
    let tenant = app.tenant().await;
    let mut admin = app.database.admin().await;
    admin.batch_execute(LOCK).await.unwrap();
    let reads = [(); 2].map(|()| {
        let client = tenant.client.clone();
        tokio::spawn(async move { client.get("/audit-log").await })
    });
    wait::until("both to be worked on", async || (app.database.count(WAITING).await == 2).then_some(())).await;
    tenant.client.get("/auth/me").await.problem(503, "temporarily_unavailable");
    tenant.client.with_fresh_address().get("/auth/me").await.expect(200);
    admin.batch_execute("ROLLBACK").await.unwrap();
    for read in reads {
        read.await.unwrap().expect(200);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_takes_too_long_ends_with_503() {
    let max_request_time = Duration::from_secs(1);
    let app = TestApp::start_with(Settings { own_database: true, max_request_time, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let mut admin = app.database.admin().await;
    admin.batch_execute(LOCK).await.unwrap();
    let answer = tenant.client.get("/audit-log").await;
    answer.problem(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    admin.batch_execute("ROLLBACK").await.unwrap();
    tenant.client.get("/audit-log").await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_has_a_quota_but_deliveries_and_probes_have_none() {
    let limits = LimitsConfig { requests_per_address: NonZeroU32::new(5), ..NO_LIMITS };
    let app = TestApp::start_with(Settings { limits, ..Settings::default() }).await;
    for _ in 0..5 {
        app.client.get("/openapi.json").await.expect(200);
    }
    app.client.get("/openapi.json").await.problem(429, "rate_limited");
    app.client.get("/no/such/path").await.problem(429, "rate_limited");
    for _ in 0..10 {
        let answer = app.deliver(&json!({"object": "whatsapp_business_account", "entry": []})).await;
        answer.expect(200);
        assert_eq!(answer.header("ratelimit"), "");
        app.client.get("/healthz").await.expect(200);
        app.client.get("/readyz").await.expect(200);
    }
    app.client.with_fresh_address().get("/openapi.json").await.expect(200);
}
