//! A transaction's tenant setting ends with it, however it ends.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::{Database, settle};
use iam::{Slug, Tenant, TenantName, TenantRepo};
use kernel::ids::TenantId;
use kernel::{Clock, StoreError, SystemClock, TenantScope};
use postgres::{PoolSizes, Postgres};
use tokio::sync::Notify;

use crate::kit::database;

fn one_connection() -> PoolSizes {
    PoolSizes { tenant: 1, platform: 1, intake: 1 }
}

#[expect(clippy::disallowed_methods, reason = "the tests of the scope itself")]
pub(crate) fn scope_of(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

fn new_tenant(clock: &dyn Clock) -> Tenant {
    let id = TenantId::new(clock);
    Tenant {
        id,
        slug: Slug::parse(&format!("t-{}", &id.to_string()[24..])).unwrap(),
        name: TenantName::parse("Tenant").unwrap(),
        status: iam::TenantStatus::Active,
        self_registration: iam::SelfRegistration::Open,
        created_at: clock.now(),
    }
}

/// Begins, works and commits, as a use case does.
async fn use_case(database: &Postgres, tenant: &Tenant) -> Result<(), StoreError> {
    let mut tx = database.tenant(&scope_of(tenant.id)).await?;
    let outcome = async {
        TenantRepo::insert_tenant(&mut *tx, tenant).await?;
        TenantRepo::tenant(&mut *tx).await
    }
    .await;
    settle(tx, outcome).await.map(drop)
}

/// The next user of the only connection sees neither a tenant nor an open transaction.
async fn nothing_is_left(database: &Postgres) {
    assert_eq!(database.leaked_settings().await.expect("the connection is reusable"), "");
}

/// Polls a future this many times, each time after it was woken, then drops it.
async fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        woken.0.notified().await;
    }
    None
}

#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_transaction_clears_tenant_setting() {
    let database = database::shared().await.postgres_with(one_connection());
    let clock = SystemClock::new();
    let mut dropped = 0;
    for times in 1.. {
        let tenant = new_tenant(&clock);
        if let Some(outcome) = poll_times(use_case(&database, &tenant), times).await {
            outcome.expect("the use case succeeds");
            break;
        }
        dropped += 1;
        nothing_is_left(&database).await;
    }
    assert!(dropped >= 4, "expected at least begin, two statements and commit as await points, found {dropped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn uncommitted_rows_are_rolled_back() {
    let database = database::shared().await.postgres_with(one_connection());
    let clock = SystemClock::new();
    let (dropped, rolled_back, committed) = (new_tenant(&clock), new_tenant(&clock), new_tenant(&clock));

    let mut tx = database.tenant(&scope_of(dropped.id)).await.unwrap();
    TenantRepo::insert_tenant(&mut *tx, &dropped).await.unwrap();
    drop(tx);
    let mut tx = database.tenant(&scope_of(rolled_back.id)).await.unwrap();
    TenantRepo::insert_tenant(&mut *tx, &rolled_back).await.unwrap();
    tx.rollback().await.unwrap();
    use_case(&database, &committed).await.unwrap();

    for (tenant, expected) in [(&dropped, false), (&rolled_back, false), (&committed, true)] {
        let mut tx = database.tenant(&scope_of(tenant.id)).await.unwrap();
        assert_eq!(TenantRepo::tenant(&mut *tx).await.unwrap().is_some(), expected);
        tx.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_statement_clears_tenant_setting() {
    let database = database::shared().await.postgres_with(one_connection());
    let clock = SystemClock::new();
    let tenant = new_tenant(&clock);
    use_case(&database, &tenant).await.unwrap();

    let mut other = new_tenant(&clock);
    other.slug = tenant.slug.clone();
    let error = use_case(&database, &other).await.unwrap_err();
    assert!(error.is_conflict_with(iam::constraint::TENANT_SLUG), "{error}");
    nothing_is_left(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_of_other_tenant_is_out_of_scope() {
    let database = database::shared().await.postgres();
    let clock = SystemClock::new();
    let mut tx = database.tenant(&scope_of(TenantId::new(&clock))).await.unwrap();
    let error = TenantRepo::insert_tenant(&mut *tx, &new_tenant(&clock)).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfScope), "{error:?}");
    tx.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_setting_is_empty_outside_transaction() {
    let mut connection: AsyncPgConnection = database::shared().await.as_app().await;
    let clock = SystemClock::new();
    let set = format!("SELECT set_config('app.current_tenant_id', '{}', true)", TenantId::new(&clock));
    diesel::sql_query(set).execute(&mut connection).await.unwrap();
    let none = "SELECT count(*) FROM (SELECT app.tenant() AS t) s WHERE t IS NOT NULL";
    assert_eq!(database::count(&mut connection, none).await.unwrap(), 0);
}
