//! Guesses against one account from many addresses.

use chrono::TimeDelta;

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::users::log_in;

#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_share_guesses_and_owner_gets_in() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    for _ in 0..50 {
        let guesser = app.client.with_fresh_address();
        log_in(&guesser, &tenant.slug, &tenant.email, "wrong password").await.problem(401, "invalid_credentials");
    }
    // Not even the correct password helps at an address that the account does not know.
    let stranger = app.client.with_fresh_address();
    log_in(&stranger, &tenant.slug, &tenant.email, PASSWORD).await.problem(429, "too_many_attempts");
    // The owner signed up from here.
    log_in(&app.client, &tenant.slug, &tenant.email, PASSWORD).await.expect(200);
    // A known address keeps its own limit.
    for _ in 0..5 {
        log_in(&app.client, &tenant.slug, &tenant.email, "wrong password").await.problem(401, "invalid_credentials");
    }
    log_in(&app.client, &tenant.slug, &tenant.email, PASSWORD).await.problem(429, "too_many_attempts");
    // Another account is not affected.
    let other = app.tenant().await;
    log_in(&stranger, &other.slug, &other.email, PASSWORD).await.expect(200);
    app.clock.advance(TimeDelta::hours(1));
    log_in(&stranger, &tenant.slug, &tenant.email, PASSWORD).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_account_is_limited_like_a_known_one() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    for (slug, email) in [(tenant.slug.as_str(), "nobody@example.com"), ("no-such-tenant", "nobody@example.com")] {
        for _ in 0..50 {
            let guesser = app.client.with_fresh_address();
            log_in(&guesser, slug, email, "wrong password").await.problem(401, "invalid_credentials");
        }
        let guesser = app.client.with_fresh_address();
        log_in(&guesser, slug, email, "wrong password").await.problem(429, "too_many_attempts");
    }
    app.stop().await;
}
