//! Look-ups of tenants' Meta apps.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use config::LimitsConfig;
use serde_json::json;

use crate::kit::app::{NO_LIMITS, Settings, TestApp};
use crate::kit::meta::sign_with;

const EMPTY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

fn settings() -> Settings {
    let limits = LimitsConfig { unknown_callers_per_address: NonZeroU32::new(5), ..NO_LIMITS };
    Settings { own_database: true, limits, ..Settings::default() }
}

fn unknown_webhook(n: u8) -> String {
    format!("/webhooks/whatsapp/{n:040x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_apps_are_limited_and_known_ones_are_not() {
    let app = TestApp::start_with(settings()).await;
    let tenant = app.tenant().await;
    let (seen, unseen) = (tenant.meta_app().await, tenant.meta_app().await);
    app.deliver_signed(&seen.webhook(), &seen.secret, EMPTY).await.expect(200);
    for n in 0..5 {
        app.deliver_signed(&unknown_webhook(n), "x", EMPTY).await.problem(401, "invalid_signature");
    }
    // The same one costs nothing for a while.
    app.deliver_signed(&unknown_webhook(0), "x", EMPTY).await.problem(401, "invalid_signature");
    app.deliver_signed(&unknown_webhook(9), "x", EMPTY).await.problem(429, "rate_limited");
    let elsewhere = app.client.with_fresh_address().with("x-hub-signature-256", &sign_with(&unseen.secret, EMPTY));
    elsewhere.send(reqwest::Method::POST, &unseen.webhook(), Some(EMPTY.to_vec())).await.expect(200);
    for _ in 0..20 {
        app.deliver_signed(&seen.webhook(), &seen.secret, EMPTY).await.expect(200);
    }
    // Also after its credentials have to be read again.
    app.clock.advance(TimeDelta::seconds(6));
    app.deliver_signed(&seen.webhook(), &seen.secret, EMPTY).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_secret_takes_effect_at_once_and_elsewhere_in_seconds() {
    let app = TestApp::start_with(settings()).await;
    let other = app.start_another(Settings { own_database: false, ..settings() }).await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    for server in [&app, &other] {
        server.deliver_signed(&own.webhook(), &own.secret, EMPTY).await.expect(200);
    }
    let change = json!({"app_secret": "another-secret", "previous_app_secret": null});
    tenant.client.patch(&own.path(), &change).await.expect(200);
    app.deliver_signed(&own.webhook(), &own.secret, EMPTY).await.problem(401, "invalid_signature");
    app.deliver_signed(&own.webhook(), "another-secret", EMPTY).await.expect(200);
    other.clock.advance(TimeDelta::seconds(5));
    other.deliver_signed(&own.webhook(), &own.secret, EMPTY).await.problem(401, "invalid_signature");
    other.deliver_signed(&own.webhook(), "another-secret", EMPTY).await.expect(200);
    tenant.client.delete(&own.path()).await.expect(204);
    app.deliver_signed(&own.webhook(), "another-secret", EMPTY).await.problem(401, "invalid_signature");
    other.stop().await;
    app.stop().await;
}
