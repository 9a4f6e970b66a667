//! Password attempts are counted by account and address, in the database, before a password is verified.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use chrono::TimeDelta;
use crypto::KeyedSemaphore;
use flows::{Database, settle};
use futures_util::future::join_all;
use iam::{Email, RateLimitFastPath, RateLimiter};
use kernel::Clock;
use serde_json::json;

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::client::{Client, Response, fresh_address};
use crate::kit::users::log_in;
use crate::kit::wait;

/// The `Retry-After` seconds of a 429 response.
#[track_caller]
fn retry_after(answer: &Response) -> i64 {
    answer.problem(429, "too_many_attempts");
    answer.header("retry-after").parse().unwrap()
}

/// Uses up the five attempts.
async fn exhaust(client: &Client, tenant: &str, email: &str) {
    for _ in 0..5 {
        log_in(client, tenant, email, "wrong password").await.problem(401, "invalid_credentials");
    }
}

async fn at_once(client: &Client, tenant: &str, email: &str, password: &str, times: usize) -> HashMap<u16, usize> {
    let mut answers = HashMap::new();
    for answer in join_all((0..times).map(|_| log_in(client, tenant, email, password))).await {
        if answer.status == 429 {
            assert!((1..=900).contains(&retry_after(&answer)));
        }
        *answers.entry(answer.status.as_u16()).or_default() += 1;
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_passwords_get_five_attempts() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let attacker = app.client.with_fresh_address();
    let answers = at_once(&attacker, &tenant.slug, &tenant.email, "wrong password", 200).await;
    assert_eq!(answers, HashMap::from([(401, 5), (429, 195)]));
    // Even the correct password is refused from that address; the owner logs in from another.
    retry_after(&log_in(&attacker, &tenant.slug, &tenant.email, PASSWORD).await);
    log_in(&app.client.with_fresh_address(), &tenant.slug, &tenant.email, PASSWORD).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_attempt_counts() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let other = app.start_another(Settings::default()).await;
    // Clocks that differ by a block's length would let attempts through.
    app.clock.advance(other.clock.now() - app.clock.now());
    let tenant = app.tenant().await;
    let (here, there) = (app.client.with_address("192.0.2.1"), other.client.with_address("192.0.2.1"));
    let (one, two) = tokio::join!(
        at_once(&here, &tenant.slug, &tenant.email, "wrong password", 40),
        at_once(&there, &tenant.slug, &tenant.email, "wrong password", 40)
    );
    assert_eq!(one.get(&401).unwrap_or(&0) + two.get(&401).unwrap_or(&0), 5, "{one:?} {two:?}");
    let (here, there) = (app.client.with_address("192.0.2.2"), other.client.with_address("192.0.2.2"));
    let (one, two) = tokio::join!(
        at_once(&here, &tenant.slug, &tenant.email, PASSWORD, 20),
        at_once(&there, &tenant.slug, &tenant.email, PASSWORD, 20)
    );
    assert_eq!((one, two), (HashMap::from([(200, 20)]), HashMap::from([(200, 20)])));
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_valid_logins_succeed() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let answers = at_once(&app.client.with_fresh_address(), &tenant.slug, &tenant.email, PASSWORD, 64).await;
    assert_eq!(answers, HashMap::from([(200, 64)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_and_tenants_are_rate_limited() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for (reference, email) in [
        (tenant.slug.as_str(), tenant.email.as_str()),
        (tenant.slug.as_str(), "nobody@example.com"),
        (tenant.slug.as_str(), "no address"),
        ("no-such-tenant", tenant.email.as_str()),
        ("0190b5a2-7e2f-7000-8000-000000000000", tenant.email.as_str()),
    ] {
        let client = app.client.with_fresh_address();
        exhaust(&client, reference, email).await;
        assert_eq!(retry_after(&log_in(&client, reference, email, PASSWORD).await), 300, "{reference} {email}");
    }
    // Slug and id name the same tenant and account.
    let client = app.client.with_fresh_address();
    for reference in [&tenant.slug, &tenant.id, &tenant.slug, &tenant.id, &tenant.slug] {
        let email = tenant.email.to_uppercase();
        log_in(&client, reference, &email, "wrong password").await.problem(401, "invalid_credentials");
    }
    retry_after(&log_in(&client, &tenant.id, &tenant.email, PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_grows_and_ends_with_correct_password() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = app.client.with_fresh_address();
    exhaust(&client, &tenant.slug, &tenant.email).await;
    let again = async |password| log_in(&client, &tenant.slug, &tenant.email, password).await;
    for wait in [300, 600, 900, 900] {
        assert_eq!(retry_after(&again(PASSWORD).await), wait);
        app.clock.advance(TimeDelta::seconds(wait - 1));
        assert_eq!(retry_after(&again(PASSWORD).await), 1);
        app.clock.advance(TimeDelta::seconds(1));
        again("wrong password").await.problem(401, "invalid_credentials");
    }
    app.clock.advance(TimeDelta::seconds(900));
    again(PASSWORD).await.json(200);
    exhaust(&client, &tenant.slug, &tenant.email).await;
    assert_eq!(retry_after(&again(PASSWORD).await), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn address_gets_thirty_failures_across_accounts() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = app.client.with_fresh_address();
    for n in 0..29 {
        let email = format!("guess-{n}@example.com");
        log_in(&client, &tenant.slug, &email, "wrong password").await.problem(401, "invalid_credentials");
    }
    // A successful login to an own account does not reset the address's count.
    log_in(&client, &tenant.slug, &tenant.email, PASSWORD).await.json(200);
    log_in(&client, &tenant.slug, "guess-29@example.com", "wrong password").await.problem(401, "invalid_credentials");
    assert_eq!(retry_after(&log_in(&client, &tenant.slug, &tenant.email, PASSWORD).await), 600);
    let register = json!({"email": "new@example.com", "password": PASSWORD});
    retry_after(&client.with("x-tenant-id", &tenant.slug).post("/auth/register", &register).await);
    log_in(&app.client.with_fresh_address(), &tenant.slug, &tenant.email, PASSWORD).await.json(200);
    app.clock.advance(TimeDelta::minutes(10));
    log_in(&client, &tenant.slug, &tenant.email, PASSWORD).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_address_comes_from_last_trusted_proxy() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let address = fresh_address();
    for n in 0..5 {
        let forged = app.client.with_address(&format!("203.0.113.{n}, {address}"));
        log_in(&forged, &tenant.slug, &tenant.email, "wrong password").await.problem(401, "invalid_credentials");
    }
    let forged = app.client.with_address(&format!("203.0.113.99, {address}, 127.0.0.1"));
    retry_after(&log_in(&forged, &tenant.slug, &tenant.email, PASSWORD).await);
    log_in(&app.client.with_address("203.0.113.1"), &tenant.slug, &tenant.email, PASSWORD).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_disconnect_still_counts_attempt() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let body = json!({"email": tenant.email, "password": "wrong password"}).to_string();
    let request = format!(
        "POST /auth/login HTTP/1.1\r\nhost: parley\r\nx-tenant-id: {}\r\nx-forwarded-for: 192.0.2.7\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        tenant.slug,
        body.len()
    );
    let counted = |at_least: usize| {
        format!("SELECT count(*) FROM login_tallies WHERE cardinality(failures) + cardinality(pending) >= {at_least}")
    };
    for n in 1..=5 {
        let mut connection = TcpStream::connect(app.client.base().trim_start_matches("http://")).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        // The client disconnects once the request has started.
        wait::until("the guess", async || (app.database.count(&counted(n)).await == 3).then_some(())).await;
        drop(connection);
    }
    let failed = "SELECT count(*) FROM login_tallies WHERE cardinality(failures) = 5 AND cardinality(pending) = 0";
    wait::until("the failures", async || (app.database.count(failed).await == 3).then_some(())).await;
    retry_after(&log_in(&app.client.with_address("192.0.2.7"), &tenant.slug, &tenant.email, PASSWORD).await);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_attempt_stores_nothing() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let guess =
        async |n: usize| log_in(&app.client, &tenant.slug, &format!("guess-{n}@example.com"), "wrong password").await;
    for n in 0..30 {
        guess(n).await.problem(401, "invalid_credentials");
    }
    let rows = app.database.count("SELECT count(*) FROM login_tallies").await;
    for n in 30..60 {
        retry_after(&guess(n).await);
    }
    assert_eq!(app.database.count("SELECT count(*) FROM login_tallies").await, rows);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_attempts_are_purged() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    exhaust(&app.client, &tenant.slug, &tenant.email).await;
    let purge = async || {
        let mut tx = app.postgres.operator().await.unwrap();
        let outcome = tx.purge_attempt_counters(app.clock.now(), 100).await;
        settle(tx, outcome).await.unwrap()
    };
    assert_eq!(purge().await, 0);
    // The address's count expires after ten minutes, the account's after a block of five and fifteen minutes.
    app.clock.advance(TimeDelta::seconds(601));
    assert_eq!(purge().await, 1);
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(purge().await, 1);
    // The account's count at all addresses expires after an hour.
    app.clock.advance(TimeDelta::minutes(40));
    assert_eq!(purge().await, 1);
    assert_eq!(app.database.count("SELECT count(*) FROM login_tallies").await, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_one_address_log_in_concurrently() {
    let app = TestApp::start().await;
    let (rate_limiter, now) =
        (RateLimiter::new(&vec![7; 32].into(), Arc::new(KeyedSemaphore::default())), app.clock.now());
    let address = Some(fresh_address().parse().unwrap());
    let tries = |number: usize| {
        let email = Email::parse(&format!("user{number}@example.com")).unwrap();
        rate_limiter.account_buckets("acme", &email, address)
    };
    let begin = async |number| app.postgres.try_reserve(&tries(number), now).await.unwrap();
    for number in 0..30 {
        assert!(begin(number).await, "{number}");
    }
    assert!(!begin(30).await, "an address gets thirty failures");
    assert!(app.postgres.try_release(&tries(0), now).await.unwrap());
    assert!(!app.postgres.try_release(&tries(0), now).await.unwrap(), "the attempt has ended");
    assert!(begin(30).await, "the refused attempt was not counted");
}
