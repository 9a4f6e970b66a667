//! Database connections have timeouts, and no tenant setting survives a request.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use iam::TenantRepo;
use kernel::ids::TenantId;
use kernel::{StoreError, SystemClock};
use postgres::PoolSizes;
use serde_json::json;
use tokio::net::TcpStream;

use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::{database, wait};

#[tokio::test(flavor = "multi_thread")]
async fn connections_have_timeouts() {
    let database = database::shared().await.postgres();
    let timeouts = ["30s", "10s", "1min"].map(str::to_owned);
    assert_eq!(database.timeouts().await.unwrap(), vec![timeouts; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_timeout_is_answered_with_retry_later() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let mut holder = app.database.admin().await;
    holder
        .batch_execute(&format!("BEGIN; SELECT FROM tenants WHERE id = '{}' FOR NO KEY UPDATE", tenant.id))
        .await
        .unwrap();
    let id: TenantId = tenant.id.parse().unwrap();
    let short_timeout = app.database.postgres_with_lock_timeout(Duration::from_millis(200));
    let mut tx = flows::Database::tenant(&short_timeout, &crate::transactions::scope_of(id)).await.unwrap();
    let error = TenantRepo::lock_tenant(&mut *tx).await.unwrap_err();
    assert!(matches!(error, StoreError::Retryable(_)), "{error:?}");
    tx.rollback().await.unwrap();
    holder.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_with_leftover_tenant_is_not_reused() {
    let database = database::copy().await;
    let one = database.postgres_with(PoolSizes { tenant: 1, platform: 1, intake: 1 });
    let session = "SELECT coalesce(max(pid), 0)::bigint AS count FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = 'parley_app'";
    one.leaked_settings().await.unwrap();
    let clean = database.count(session).await;
    one.leaked_settings().await.unwrap();
    assert_eq!(database.count(session).await, clean, "a clean connection is reused");

    // From now on each session of the role starts with a tenant set, like one that a transaction left behind.
    let leak = format!(
        "ALTER ROLE parley_app IN DATABASE \"{}\" SET app.current_tenant_id = '0190b5a2-7e2f-7000-8000-000000000000'",
        database.name
    );
    database.admin().await.batch_execute(&leak).await.unwrap();
    let one = database.postgres_with(PoolSizes { tenant: 1, platform: 1, intake: 1 });
    let scope = crate::transactions::scope_of(TenantId::new(&SystemClock::new()));
    let recently_used = "SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND usename = 'parley_app'
                            AND clock_timestamp() - state_change <= interval '120 milliseconds'";
    let mut sessions = Vec::new();
    for _ in 0..3 {
        assert_ne!(one.leaked_settings().await.unwrap(), "");
        sessions.push(database.count(session).await);
        // Within the recycle interval the connection is reused without a check, so the leak shows.
        let refused = flows::Database::tenant(&one, &scope).await.err().map(|error| format!("{error:?}"));
        assert!(refused.as_ref().is_some_and(|why| why.contains("outlived its transaction")), "{refused:?}");
        assert_ne!(one.leaked_settings().await.unwrap(), "");
        sessions.push(database.count(session).await);
        // After the recycle interval the pool checks it first.
        wait::until("the connection to be idle for that long", async || {
            (database.count(recently_used).await == 0).then_some(())
        })
        .await;
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 6, "each was closed instead of reused: {sessions:?}");
    drop(one);
    database.drop().await;
}

/// With a pool of one, each request gets the connection of the previous one.
fn one_connection() -> Settings {
    Settings { own_database: true, tenant_connections: 1, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_clear_tenant_setting_however_they_end() {
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
        assert_eq!(app.postgres.leaked_settings().await.unwrap(), "", "after {status}");
    }
    app.stop().await;
}

/// A connection that has sent these bytes, and is reset when it is dropped: the server then drops the request's handler,
/// which it does not do if the connection is closed.
async fn sent(address: &str, bytes: &str) -> TcpStream {
    let connection = TcpStream::connect(address).await.unwrap();
    connection.set_zero_linger().unwrap();
    connection.writable().await.unwrap();
    assert_eq!(connection.try_write(bytes.as_bytes()).unwrap(), bytes.len());
    connection
}

/// Each request waits for a lock on a table that it uses early or late, and its client resets the connection there.
#[tokio::test(flavor = "multi_thread")]
async fn client_disconnect_clears_tenant_setting() {
    let app = TestApp::start_with(one_connection()).await;
    let tenant = app.tenant().await;
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let head =
        |request: &str| format!("{request} HTTP/1.1\r\nhost: parley\r\nauthorization: Bearer {}\r\n", tenant.token);
    let body = json!({"name": "Renamed"}).to_string();
    let read = format!("{}\r\n", head("GET /users"));
    let change = format!(
        "{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        head("PATCH /tenant"),
        body.len()
    );
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename LIKE 'parley%' AND wait_event_type = 'Lock'";
    let mut holder = app.database.admin().await;
    for (request, table) in
        [(&read, "sessions"), (&read, "memberships"), (&change, "sessions"), (&change, "audit_records")].repeat(5)
    {
        holder.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
        let connection = sent(&address, request).await;
        wait::until(table, async || (app.database.count(waiting).await > 0).then_some(())).await;
        drop(connection);
        holder.batch_execute("COMMIT").await.unwrap();
        assert_eq!(app.postgres.leaked_settings().await.unwrap(), "", "{table}");
    }
    // And where no lock stops it: in the middle of the request, and before it has read the response.
    for part in [&change[..change.len() - 1], &change] {
        let connection = sent(&address, part).await;
        if part == change {
            connection.readable().await.unwrap();
        }
        drop(connection);
        assert_eq!(app.postgres.leaked_settings().await.unwrap(), "");
    }
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = '{}' AND usename = 'parley_app' AND state LIKE 'idle in transaction%'",
        app.database.name
    );
    wait::until("no transaction to be open", async || (app.database.count(&open).await == 0).then_some(())).await;
    tenant.client.get("/users").await.json(200);
    app.stop().await;
}
