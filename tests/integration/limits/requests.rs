//! Rates of requests, and how many are worked on.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use config::LimitsConfig;
use serde_json::json;

use crate::kit::app::{NO_LIMITS, Settings, TestApp};

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
