//! Sign-ups and registrations.

use std::collections::HashMap;

use chrono::TimeDelta;
use config::LimitsConfig;
use futures_util::future::join_all;
use iam::NewAccountLimits;
use serde_json::json;

use crate::kit::app::{NO_LIMITS, PASSWORD, Settings, SignUp, TestApp};
use crate::kit::client::{Client, Response};
use crate::kit::meta::fresh_digits;
use crate::kit::users::log_in;

fn limited(new_accounts: NewAccountLimits) -> Settings {
    let limits = LimitsConfig { new_accounts, ..NO_LIMITS };
    Settings { own_database: true, limits, ..Settings::default() }
}

async fn sign_up(client: &Client) -> Response {
    let slug = format!("t-{}", fresh_digits());
    let body = json!({"tenant_name": "Acme", "slug": slug, "email": "ada@example.com", "password": PASSWORD});
    client.post("/auth/signup", &body).await
}

async fn register(client: &Client, tenant: &str) -> Response {
    let email = format!("user-{}@example.com", fresh_digits());
    client.with("x-tenant-id", tenant).post("/auth/register", &json!({"email": email, "password": PASSWORD})).await
}

fn statuses(answers: &[Response]) -> HashMap<u16, usize> {
    answers.iter().fold(HashMap::new(), |mut counts, answer| {
        *counts.entry(answer.status.as_u16()).or_default() += 1;
        counts
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn signups_at_once_are_limited_and_login_works() {
    let app = TestApp::start_with(limited(NewAccountLimits::default())).await;
    let tenant = app.tenant().await;
    let crowd = app.client.with_fresh_address();
    let signups = join_all((0..250).map(|_| sign_up(&crowd)));
    let elsewhere = app.client.with_fresh_address();
    let (answers, login) = tokio::join!(signups, log_in(&elsewhere, &tenant.slug, &tenant.email, PASSWORD));
    login.expect(200);
    assert_eq!(statuses(&answers), HashMap::from([(201, 10), (429, 240)]));
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        answer.problem(429, "rate_limited");
        assert!((1..=3_600).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    }
    assert_eq!(app.database.count("SELECT count(*) FROM tenants").await, 11);
    sign_up(&app.client.with_fresh_address()).await.expect(201);
    app.clock.advance(TimeDelta::hours(1));
    sign_up(&crowd).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_signup_counts() {
    let settings = limited(NewAccountLimits { signups_per_address: 3, signups: 5, ..NewAccountLimits::default() });
    let app = TestApp::start_with(settings).await;
    let other = app.start_another(Settings { own_database: false, ..settings }).await;
    let (here, there) = (app.client.with_address("192.0.2.1"), other.client.with_address("192.0.2.1"));
    for client in [&here, &there, &here] {
        sign_up(client).await.expect(201);
    }
    sign_up(&there).await.problem(429, "rate_limited");
    // The deployment's limit, which failed sign-ups use up, too.
    let taken = json!({"tenant_name": "A", "slug": "taken", "email": "a@example.com", "password": PASSWORD});
    app.client.with_fresh_address().post("/auth/signup", &taken).await.expect(201);
    app.client.with_fresh_address().post("/auth/signup", &taken).await.problem(409, "slug_taken");
    sign_up(&other.client.with_fresh_address()).await.problem(429, "rate_limited");
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn successful_registrations_are_limited() {
    let limits = NewAccountLimits { registrations_per_address: 4, registrations: 6, ..NewAccountLimits::default() };
    let app = TestApp::start_with(limited(limits)).await;
    let tenant = app.tenant().await;
    let crowd = app.client.with_fresh_address();
    let answers = join_all((0..20).map(|_| register(&crowd, &tenant.slug))).await;
    assert_eq!(statuses(&answers), HashMap::from([(201, 4), (429, 16)]));
    for _ in 0..2 {
        register(&app.client.with_fresh_address(), &tenant.slug).await.expect(201);
    }
    register(&app.client.with_fresh_address(), &tenant.slug).await.problem(429, "rate_limited");
    // Logins have limits of their own.
    log_in(&crowd, &tenant.slug, &tenant.email, PASSWORD).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_can_be_closed_for_the_deployment() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let closed = app.start_another(Settings { signup: SignUp::Closed, ..Settings::default() }).await;
    register(&closed.client, &tenant.slug).await.problem(403, "registration_closed");
    register(&app.client, &tenant.slug).await.expect(201);
    tenant.client.patch("/tenant", &json!({"self_registration": "closed"})).await.expect(200);
    register(&app.client, &tenant.slug).await.problem(403, "registration_closed");
    closed.stop().await;
}
