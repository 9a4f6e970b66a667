//! What a storm of logins costs: as good as nothing but the hash, and not the time of others. Run it with `--release` for the
//! numbers of the real thing, as without it everything but the hash is slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use iam::{HashParameters, Password, PasswordHasher};
use kernel::SystemEntropy;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::machine_lock::{Isolation, on_half_of_the_cores};
use crate::kit::measure::{percentile, report};
use crate::kit::users::log_in;

/// As many as may wait at a single core.
const PEOPLE: usize = 64;
/// Many and short ones: what else slows the machine, for seconds at a time, slows both.
const ROUNDS: u32 = 8;
/// Everybody's, each in a tenant of their own.
const EMAIL: &str = "ada@example.com";

/// Somebody at an address of their own.
struct Person {
    client: Client,
    slug: String,
    token: String,
}

impl Person {
    async fn sign_up(server: &Server, place: usize) -> Self {
        let (client, slug) = (server.client.elsewhere(), format!("tenant-{place}"));
        let body = json!({"tenant_name": "Acme", "slug": slug, "email": EMAIL, "password": PASSWORD});
        let token = client.post("/auth/signup", &body).await.json(201)["access_token"].as_str().unwrap().to_owned();
        Self { client, slug, token }
    }
}

/// Hashes a second of a hasher that has been made for so many cores, when they do nothing else.
async fn argon2_alone(hasher: &PasswordHasher, cores: usize, duration: Duration) -> f64 {
    let started = Instant::now();
    let work = (0..cores).map(|_| async {
        let mut done = 0_u32;
        while started.elapsed() < duration {
            hasher.hash(Password::for_login(PASSWORD).unwrap(), &SystemEntropy::new()).await.unwrap();
            done += 1;
        }
        done
    });
    let done: u32 = join_all(work).await.iter().sum();
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Logins a second of people who do nothing else, and how long somebody who asks for `/auth/me` forty times a second waited
/// meanwhile.
async fn storm(people: &[Person], onlooker: &Person, duration: Duration) -> (f64, Vec<Duration>) {
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let storm = join_all(people.iter().map(|person| async {
        let mut logins = 0_u32;
        while started.elapsed() < duration {
            log_in(&person.client, &person.slug, EMAIL, PASSWORD).await.json(200);
            logins += 1;
        }
        logins
    }));
    let others = async {
        let client = onlooker.client.with_token(&onlooker.token);
        let mut times = Vec::new();
        let mut pace = interval(Duration::from_millis(25));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !over.load(Ordering::Relaxed) {
            // From when it was due: whoever waited for the one before has waited, too.
            let due = pace.tick().await;
            client.get("/auth/me").await.json(200);
            times.push(due.elapsed());
        }
        times
    };
    let storm = async {
        let logins: u32 = storm.await.iter().sum();
        over.store(true, Ordering::Relaxed);
        f64::from(logins) / started.elapsed().as_secs_f64()
    };
    tokio::join!(storm, others)
}

/// The server has half of the cores, as the database and everybody who logs in run on the same machine.
#[tokio::test(flavor = "multi_thread")]
async fn login_storm_does_not_slow_other_requests() {
    // Without optimization all that is not the hash takes ten times as long, on the same cores.
    let (share, patience) = if cfg!(debug_assertions) { (0.4, 500) } else { (0.9, 50) };
    let deployment = Deployment::beside(Isolation::Exclusive)
        .await
        .with("PARLEY_HTTP_TRUSTED_PROXIES", "127.0.0.1")
        // As the image has it. The hash alone does without, here and not in the benchmark: that makes about 5 %.
        .with("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
        .on_half_of_the_cores();
    let server = deployment.serve_as("api").await;
    let onlooker = Person::sign_up(&server, 0).await;
    let people = join_all((1..=PEOPLE).map(|place| Person::sign_up(&server, place))).await;
    let (hasher, cores) = on_half_of_the_cores(|| {
        let hasher = PasswordHasher::new(HashParameters::default(), &SystemEntropy::new()).unwrap();
        (hasher, std::thread::available_parallelism().unwrap().get())
    });
    // So that the connections to the database are open, which is no part of a login.
    storm(&people, &onlooker, Duration::from_secs(1)).await;
    let (mut alone, mut logins, mut times) = (0.0, 0.0, Vec::new());
    for _ in 0..ROUNDS {
        alone += argon2_alone(&hasher, cores, Duration::from_secs(1)).await / f64::from(ROUNDS);
        let (reached, waits) = storm(&people, &onlooker, Duration::from_secs(2)).await;
        logins += reached / f64::from(ROUNDS);
        times.extend(waits);
    }
    let waited = percentile(&mut times, 99);
    let memory = server.peak_memory();
    report(&format!(
        "{logins:.1} logins/s, argon2 alone {alone:.1}/s, share {:.2}; /auth/me p99 {waited:?} of {}; {} MiB",
        logins / alone,
        times.len(),
        memory / 1024
    ));
    assert!(logins >= share * alone, "{logins:.1} logins/s, argon2 alone reaches {alone:.1}/s");
    assert!(waited < Duration::from_millis(patience), "p99 of /auth/me is {waited:?}");
    assert!(memory < 1024 * 1024, "{} MiB", memory / 1024);
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
