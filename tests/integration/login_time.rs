//! What logging in costs: the same whatever is wrong, and not the time of others. Each test has the machine for itself; run
//! them with `--release` for the numbers of the real thing, as without it everything but the hash is slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use iam::{HashParameters, Password, PasswordHasher};
use kernel::{Clock as _, SystemEntropy};
use tokens::{KeyScope, ProvisioningSecret};
use tokio::time::{MissedTickBehavior, interval};

use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant};
use crate::kit::machine::Neighbours;
use crate::kit::measure::{percentile, report};
use crate::kit::operators::key;
use crate::kit::people::log_in;

fn quiet() -> Settings {
    Settings { alone: true, neighbours: Neighbours::None, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_takes_as_long_whatever_is_wrong() {
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
async fn a_refused_key_takes_as_long_whatever_is_wrong() {
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

/// Hashes a second that all cores reach when they do nothing else.
async fn argon2_alone(cores: usize, duration: Duration) -> f64 {
    let entropy = SystemEntropy::new();
    let hasher = PasswordHasher::new(HashParameters::default(), &entropy).unwrap();
    let started = Instant::now();
    let work = (0..cores).map(|_| async {
        let mut done = 0_u32;
        while started.elapsed() < duration {
            hasher.hash(Password::attempt(PASSWORD).unwrap(), &SystemEntropy::new()).await.unwrap();
            done += 1;
        }
        done
    });
    let done: u32 = join_all(work).await.iter().sum();
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Logins a second of so many people who do nothing else, and how long somebody who asks for `/auth/me` forty times a second
/// waited meanwhile.
async fn storm(
    app: &TestApp,
    tenants: &[TestTenant],
    onlooker: &TestTenant,
    duration: Duration,
) -> (f64, Vec<Duration>) {
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let people = join_all(tenants.iter().map(|tenant| async {
        let client = app.client.elsewhere();
        let mut logins = 0_u32;
        while started.elapsed() < duration {
            log_in(&client, &tenant.slug, &tenant.email, PASSWORD).await.json(200);
            logins += 1;
        }
        logins
    }));
    let others = async {
        let mut times = Vec::new();
        let mut pace = interval(Duration::from_millis(25));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !over.load(Ordering::Relaxed) {
            // From when it was due: whoever waited for the one before has waited, too.
            let due = pace.tick().await;
            onlooker.client.get("/auth/me").await.json(200);
            times.push(due.elapsed());
        }
        times
    };
    let people = async {
        let logins: u32 = people.await.iter().sum();
        over.store(true, Ordering::Relaxed);
        f64::from(logins) / started.elapsed().as_secs_f64()
    };
    tokio::join!(people, others)
}

/// The most memory that this process, server, tests and all, has ever had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_logins_uses_the_cores_and_slows_nobody_else() {
    const ROUNDS: u32 = 4;
    // Without optimization all that is not the hash takes ten times as long, on the same cores.
    let (share, patience) = if cfg!(debug_assertions) { (0.4, 500) } else { (0.9, 50) };
    let app = TestApp::start_with(quiet()).await;
    // Who logs in again and again ends their own oldest sessions; this one stays.
    let onlooker = app.tenant().await;
    let mut tenants = Vec::new();
    for _ in 0..64 {
        tenants.push(app.tenant().await);
    }
    let cores = std::thread::available_parallelism().unwrap().get();
    // In turn, so that whatever else runs on the machine takes as much from both.
    let (mut alone, mut logins, mut times) = (0.0, 0.0, Vec::new());
    for _ in 0..ROUNDS {
        alone += argon2_alone(cores, Duration::from_secs(2)).await / f64::from(ROUNDS);
        let (reached, waits) = storm(&app, &tenants, &onlooker, Duration::from_secs(4)).await;
        logins += reached / f64::from(ROUNDS);
        times.extend(waits);
    }
    let waited = percentile(&mut times, 99);
    let memory = peak_memory();
    report(&format!(
        "{logins:.1} logins/s, argon2 alone {alone:.1}/s, share {:.2}; /auth/me p99 {waited:?} of {}; {} MiB",
        logins / alone,
        times.len(),
        memory / 1024
    ));
    assert!(logins >= share * alone, "{logins:.1} logins/s, argon2 alone reaches {alone:.1}/s");
    assert!(waited < Duration::from_millis(patience), "p99 of /auth/me is {waited:?}");
    assert!(memory < 1024 * 1024, "{} MiB", memory / 1024);
    app.finish_unprocessed().await;
}
