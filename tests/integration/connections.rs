//! Connections to the database: they give up, and nothing of one request is there for the next.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use iam::TenantRepo;
use kernel::ids::TenantId;
use kernel::{StoreError, SystemClock};
use postgres::Connections;
use serde_json::json;
use tokio::time::sleep;

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::{database, wait};

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_gives_up_in_time() {
    let database = database::shared().await.postgres();
    let limits = ["30s", "10s", "1min"].map(str::to_owned);
    assert_eq!(database.limits().await.unwrap(), vec![limits; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_lock_for_too_long_is_told_to_try_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let mut holder = app.database.admin().await;
    holder
        .batch_execute(&format!("BEGIN; SELECT FROM tenants WHERE id = '{}' FOR NO KEY UPDATE", tenant.id))
        .await
        .unwrap();
    let id: TenantId = tenant.id.parse().unwrap();
    let mut tx = flows::Database::tenant(&app.postgres, &crate::transactions::scope_of(id)).await.unwrap();
    let started = Instant::now();
    let error = TenantRepo::lock_tenant(&mut *tx).await.unwrap_err();
    assert!(matches!(error, StoreError::Retryable(_)), "{error:?}");
    assert!((Duration::from_secs(9)..Duration::from_secs(20)).contains(&started.elapsed()));
    tx.rollback().await.unwrap();
    holder.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_still_has_a_tenant_is_not_lent_again() {
    let database = database::alone().await;
    let one = database.postgres_with(Connections { tenant: 1, platform: 1, intake: 1 });
    let session = "SELECT coalesce(max(pid), 0)::bigint AS count FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = 'parley_app'";
    one.leftover().await.unwrap();
    let clean = database.count(session).await;
    one.leftover().await.unwrap();
    assert_eq!(database.count(session).await, clean, "a clean one is lent again");

    // From now on each session of the role begins with a tenant, as one that a transaction left behind would.
    let leak = format!(
        "ALTER ROLE parley_app IN DATABASE \"{}\" SET app.current_tenant_id = '0190b5a2-7e2f-7000-8000-000000000000'",
        database.name
    );
    database.admin().await.batch_execute(&leak).await.unwrap();
    let one = database.postgres_with(Connections { tenant: 1, platform: 1, intake: 1 });
    let scope = crate::transactions::scope_of(TenantId::new(&SystemClock::new()));
    let mut sessions = Vec::new();
    for _ in 0..3 {
        assert_ne!(one.leftover().await.unwrap(), "");
        sessions.push(database.count(session).await);
        // At once it is lent again without a look, and whoever would begin to work with it sees it.
        let refused = flows::Database::tenant(&one, &scope).await.err().map(|error| format!("{error:?}"));
        assert!(refused.as_ref().is_some_and(|why| why.contains("outlived its transaction")), "{refused:?}");
        assert_ne!(one.leftover().await.unwrap(), "");
        sessions.push(database.count(session).await);
        // A while later it is looked at first.
        sleep(Duration::from_millis(120)).await;
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 6, "each was closed instead of lent again: {sessions:?}");
    drop(one);
    database.drop().await;
}

/// With one connection, whoever comes next has the one of who was there before.
fn one_connection() -> Settings {
    Settings { alone: true, tenant_connections: 1, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_leaves_its_tenant_behind_however_it_ends() {
    let app = TestApp::start_with(one_connection()).await;
    let tenant = app.tenant().await;
    let unknown = "0190b5a2-7e2f-7000-8000-000000000000";
    let user = json!({"email": tenant.email, "password": PASSWORD});
    for (answer, status) in [
        (tenant.client.get("/crm/contacts").await, 200),
        (tenant.client.get(&format!("/users/{unknown}")).await, 404),
        (tenant.client.post("/users", &user).await, 409),
        (tenant.client.patch("/tenant", &json!({"slug": "x"})).await, 422),
        (tenant.client.patch("/tenant", &json!({"name": "Other"})).await, 200),
        (tenant.client.get("/crm/contacts?cursor=x").await, 400),
        (app.client.get("/users").await, 401),
        (app.log_in(&tenant.slug, &tenant.email, "wrong password").await, 401),
        (app.log_in(&tenant.slug, &tenant.email, PASSWORD).await, 200),
    ] {
        answer.expect(status);
        assert_eq!(app.postgres.leftover().await.unwrap(), "", "after {status}");
    }
    app.finish_unprocessed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_no_tenant_behind() {
    let app = TestApp::start_with(one_connection()).await;
    let tenant = app.tenant().await;
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let body = json!({"name": "Renamed"}).to_string();
    let requests = [
        format!("GET /users HTTP/1.1\r\nhost: parley\r\nauthorization: Bearer {}\r\n\r\n", tenant.token),
        format!(
            "PATCH /tenant HTTP/1.1\r\nhost: parley\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            tenant.token,
            body.len()
        ),
    ];
    for n in 0..60_u64 {
        let mut connection = TcpStream::connect(&address).unwrap();
        connection.write_all(requests[usize::from(n % 2 == 0)].as_bytes()).unwrap();
        // Somewhere between its arrival and its answer: there is nothing to be awaited.
        std::thread::sleep(Duration::from_micros(n * 100));
        drop(connection);
        assert_eq!(app.postgres.leftover().await.unwrap(), "");
    }
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = '{}' AND usename = 'parley_app' AND state LIKE 'idle in transaction%'",
        app.database.name
    );
    wait::until("no transaction to be open", async || (app.database.count(&open).await == 0).then_some(())).await;
    tenant.client.get("/users").await.json(200);
    app.finish_unprocessed().await;
}
