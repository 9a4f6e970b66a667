//! How long whoever is refused waits: the same, whatever is wrong. Each test has the machine for itself.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kernel::Clock as _;
use tokens::{KeyScope, ProvisioningSecret};

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::machine_lock::Isolation;
use crate::kit::measure::{percentile, report};
use crate::kit::operators::key;
use crate::kit::users::log_in;

fn quiet() -> Settings {
    Settings { alone: true, isolation: Isolation::Exclusive, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_login_takes_equal_time_for_each_cause() {
    const TRIES: usize = 200;
    let app = TestApp::start_with(quiet()).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let suspended = app.colleague(&other, None).await;
    app.change(&other, "UPDATE users SET status = 'suspended' WHERE tenant_id = '$T' AND name = 'Grace'").await;
    let kinds = [
        ("wrong password", tenant.slug.as_str(), tenant.email.as_str(), "wrong password"),
        ("unknown user", tenant.slug.as_str(), "nobody@example.com", PASSWORD),
        ("suspended user", other.slug.as_str(), suspended.email.as_str(), PASSWORD),
        ("unknown tenant", "no-such-tenant", tenant.email.as_str(), PASSWORD),
    ];
    // In turn, so that whatever else slows the machine slows all of them.
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..TRIES {
        for ((_, reference, email, password), times) in kinds.iter().zip(&mut times) {
            let client = app.client.elsewhere();
            let started = Instant::now();
            let answer = log_in(&client, reference, email, password).await;
            times.push(started.elapsed());
            answer.problem(401, "invalid_credentials");
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| percentile(times, 50)).collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    let named: Vec<_> = kinds.iter().map(|kind| kind.0).zip(&medians).collect();
    report(&format!("medians of {TRIES} tries: {named:?}"));
    assert!(most.as_secs_f64() <= least.as_secs_f64() * 1.1, "{medians:?}");
    app.finish_unprocessed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_key_takes_equal_time_for_each_cause() {
    const TRIES: usize = 200;
    let app = TestApp::start_with(quiet()).await;
    let end = app.clock.now() + TimeDelta::hours(1);
    let (_, secret, expired) = key(&app, &[KeyScope::TenantsRead], Some(end)).await;
    app.clock.advance(TimeDelta::hours(1));
    let wrong = app.client.with_token(&format!("{}x", &secret[..secret.len() - 1]));
    let short = app.client.with_token(ProvisioningSecret::PREFIX);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..TRIES {
        for (client, times) in [&expired, &wrong, &short].into_iter().zip(&mut times) {
            let started = Instant::now();
            let answer = client.get("/tenants").await;
            times.push(started.elapsed());
            answer.problem(401, "invalid_token");
        }
    }
    let medians = times.each_mut().map(|times| percentile(times, 50));
    report(&format!("medians of {TRIES} tries with an expired, a wrong and no secret: {medians:?}"));
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(most.as_secs_f64() <= least.as_secs_f64() * 1.2, "{medians:?}");
    app.finish_unprocessed().await;
}
