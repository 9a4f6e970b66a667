//! Callers that turn out to be unknown cost little, and leave nothing behind.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use config::LimitsConfig;
use futures_util::future::join_all;
use serde_json::json;
use tokens::KeyScope;

use crate::kit::api::LoggedIn;
use crate::kit::app::{NO_LIMITS, PASSWORD, Settings, TestApp, metrics};
use crate::kit::operators::key;
use crate::kit::users::log_in;

const FIVE: LimitsConfig = LimitsConfig { unknown_callers_per_address: NonZeroU32::new(5), ..NO_LIMITS };

async fn app(limits: LimitsConfig) -> TestApp {
    TestApp::start_with(Settings { own_database: true, limits, ..Settings::default() }).await
}

/// The anonymous refusals of all servers of this process.
fn counted() -> f64 {
    let text = metrics();
    let series = text.lines().filter(|line| line.starts_with("parley_anonymous_refusals_total{"));
    series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_requests_grow_no_table() {
    let app = app(NO_LIMITS).await;
    let rows = "SELECT sum(pg_total_relation_size(oid))::bigint AS count FROM pg_class
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let (before, refused) = (app.database.count(rows).await, counted());
    let path = format!("/tenants/{}", "x".repeat(40_000));
    let wrong = app.client.with_token("parley_pk_wrong");
    let requests = (0..50).map(|n| if n % 2 == 0 { app.client.get(&path) } else { wrong.get(&path) });
    let requests: Vec<_> = requests.collect();
    for answer in join_all(requests).await {
        answer.expect(401);
    }
    assert_eq!(app.database.count(rows).await, before);
    assert!(counted() >= refused + 50.0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn path_of_refused_key_is_cut_in_audit_log() {
    let app = app(NO_LIMITS).await;
    let (_, _, narrow) = key(&app, &[KeyScope::AuditRead], None).await;
    narrow.get(&format!("/tenants/{}", "x".repeat(40_000))).await.problem(403, "insufficient_scope");
    let longest = "SELECT max(length(target_id))::bigint AS count FROM platform_audit_records
                    WHERE action = 'operator.refused' AND actor_kind = 'provisioning_key'";
    assert_eq!(app.database.count(longest).await, i64::try_from("GET ".len() + 200).unwrap());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_paths_refuse_an_address_without_keys() {
    let app = app(FIVE).await;
    let stranger = app.client.with_fresh_address();
    for _ in 0..5 {
        stranger.get("/platform/audit-log").await.problem(401, "unauthenticated");
    }
    let refused = stranger.with_token("parley_pk_x").get("/tenants").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "12");
    let (_, _, operator) = key(&app, &[KeyScope::TenantsRead], None).await;
    operator.with_fresh_address().get("/tenants").await.expect(200);
    app.clock.advance(TimeDelta::seconds(12));
    stranger.get("/tenants").await.problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_refresh_tokens_are_limited_by_address() {
    let app = app(FIVE).await;
    let tenant = app.tenant().await;
    let made: LoggedIn = log_in(&app.client, &tenant.slug, &tenant.email, PASSWORD).await.body(200);
    let unknown = json!({"refresh_token": format!("rt1_{}.{}", tenant.id, "A".repeat(43))});
    let stranger = app.client.with_address("2001:db8::1");
    for _ in 0..5 {
        stranger.post("/auth/refresh", &unknown).await.problem(401, "invalid_refresh_token");
    }
    // The /64 counts.
    let neighbour = app.client.with_address("2001:db8::2");
    neighbour.post("/auth/refresh", &unknown).await.problem(429, "rate_limited");
    // A valid token from elsewhere does not count.
    app.client.post("/auth/refresh", &json!({"refresh_token": made.refresh_token})).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_callers_of_all_addresses_are_limited() {
    let limits = LimitsConfig { unknown_callers: NonZeroU32::new(8), ..NO_LIMITS };
    let app = app(limits).await;
    for _ in 0..8 {
        app.client.with_fresh_address().get("/tenants").await.problem(401, "unauthenticated");
    }
    app.client.with_fresh_address().get("/tenants").await.problem(429, "rate_limited");
    app.stop().await;
}
