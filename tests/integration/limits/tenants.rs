//! One tenant's work leaves the other tenants theirs.

use std::num::NonZeroUsize;
use std::time::Duration;

use config::LimitsConfig;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;

use crate::kit::app::{NO_LIMITS, Settings, TestApp};
use crate::kit::wait;

/// Locks a table for as long as the returned connection lives.
const LOCK: &str = "BEGIN; LOCK TABLE audit_records IN ACCESS EXCLUSIVE MODE";

#[tokio::test(flavor = "multi_thread")]
async fn waiting_reads_of_one_tenant_leave_others_connections() {
    let limits = LimitsConfig { concurrent_per_tenant: None, ..NO_LIMITS };
    let settings = Settings { own_database: true, tenant_connections: 6, limits, ..Settings::default() };
    let app = TestApp::start_with(settings).await;
    let (busy, calm) = (app.tenant().await, app.tenant().await);
    let mut admin = app.database.admin().await;
    admin.batch_execute(LOCK).await.unwrap();
    let reads = (0..20).map(|_| {
        let client = busy.client.clone();
        tokio::spawn(async move { client.get("/audit-log").await })
    });
    let reads: Vec<_> = reads.collect();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    wait::until("half of the connections to wait", async || (app.database.count(waiting).await == 3).then_some(()))
        .await;
    for _ in 0..20 {
        calm.client.get("/crm/contacts").await.expect(200);
    }
    assert_eq!(app.database.count(waiting).await, 3, "the tenant has half of the connections");
    admin.batch_execute("ROLLBACK").await.unwrap();
    for answer in join_all(reads).await {
        let answer = answer.unwrap();
        assert!(answer.status == 200 || answer.status == 429, "{}", answer.text);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expensive_reads_of_one_tenant_run_one_at_a_time() {
    let one = NonZeroUsize::new(1);
    let limits = LimitsConfig { expensive_reads_per_tenant: one, expensive_reads: NonZeroUsize::new(2), ..NO_LIMITS };
    let app = TestApp::start_with(Settings { own_database: true, limits, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let mut admin = app.database.admin().await;
    admin.batch_execute(LOCK).await.unwrap();
    let first = tokio::spawn({
        let client = tenant.client.clone();
        async move { client.get("/audit-log/verify").await }
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    wait::until("the first to wait", async || (app.database.count(waiting).await == 1).then_some(())).await;
    let paths = ["/audit-log/verify", "/audit-log/export", "/audit-log?action=user.logged_in", "/crm/search?q=hello"];
    let refused = join_all(paths.map(|path| tenant.client.get(path)));
    for answer in refused.await {
        answer.problem(429, "rate_limited");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(app.database.count(waiting).await, 1);
    // Cheap reads of the same tenant go on.
    tenant.client.get("/crm/contacts").await.expect(200);
    admin.batch_execute("ROLLBACK").await.unwrap();
    let first = wait::within(Duration::from_secs(20), "the first", async || first.is_finished().then_some(())).await;
    let () = first;
    tenant.client.get("/crm/search?q=hello").await.expect(200);
    app.stop().await;
}
