//! Test databases: one that most tests share, each with tenants of its own, and copies for tests that need a whole
//! database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::seal::KeyRing;
use postgres::{AdminUrls, LOCK_TIMEOUT, MigrationUrls, PoolSizes, Postgres, PostgresConfig, migrate};
use tokio::sync::OnceCell;
use url::Url;

use super::services::services;
use super::token_forger::key_ring;

/// A migrated database and the URLs of its roles.
#[derive(Clone, Debug)]
pub(crate) struct TestDatabase {
    pub(crate) name: String,
    pub(crate) admin_url: String,
    pub(crate) owner_url: String,
    pub(crate) app_url: String,
    pub(crate) platform_url: String,
}

const PASSWORD: &str = "parley-test";

/// The prefix of this run's database names.
static RUN: OnceCell<String> = OnceCell::const_new();
static TEMPLATE: OnceCell<TestDatabase> = OnceCell::const_new();
static SHARED: OnceCell<TestDatabase> = OnceCell::const_new();
static COPIES: AtomicU32 = AtomicU32::new(0);

/// The shared database.
pub(crate) async fn shared() -> TestDatabase {
    SHARED.get_or_init(copy).await.clone()
}

/// A database for one test.
pub(crate) async fn copy() -> TestDatabase {
    let template = TEMPLATE.get_or_init(|| async { migrated("template").await }).await;
    let database = named(&format!("copy{}", COPIES.fetch_add(1, Ordering::Relaxed))).await;
    let create = format!("CREATE DATABASE \"{}\" OWNER parley_owner TEMPLATE \"{}\"", database.name, template.name);
    execute(&services().await.database_url, &create).await;
    // As `migrate` does: rights on a database are not copied.
    let revoke = format!("REVOKE TEMPORARY ON DATABASE \"{}\" FROM PUBLIC", database.name);
    execute(&services().await.database_url, &revoke).await;
    database
}

/// A new database, migrated from empty.
pub(crate) async fn migrated(name: &str) -> TestDatabase {
    let database = named(name).await;
    let urls = database.migrate_urls(&services().await.database_url);
    migrate(&urls, &kernel::SystemClock::new()).await.expect("migrations run");
    database
}

/// The name and URLs of a database of this run; it need not exist.
pub(crate) async fn named(name: &str) -> TestDatabase {
    let run = RUN.get_or_init(start_run).await;
    let name = format!("{run}_{name}");
    let url = |user: &str, password: &str| {
        let mut url = Url::parse(&services_url()).expect("the database URL is valid");
        url.set_path(&name);
        url.set_username(user).expect("the URL has a host");
        url.set_password(Some(password)).expect("the URL has a host");
        url.to_string()
    };
    let mut admin = Url::parse(&services_url()).expect("the database URL is valid");
    admin.set_path(&name);
    TestDatabase {
        admin_url: admin.to_string(),
        owner_url: url("parley_owner", PASSWORD),
        app_url: url("parley_app", PASSWORD),
        platform_url: url("parley_platform", PASSWORD),
        name,
    }
}

fn services_url() -> String {
    SERVICES_URL.get().expect("the run has started").clone()
}

static SERVICES_URL: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Names this run after the current time, and drops databases of runs that started more than a day ago.
async fn start_run() -> String {
    use kernel::Clock as _;

    let url = services().await.database_url.clone();
    let _ = SERVICES_URL.set(url.clone());
    let now = kernel::SystemClock::new().now().timestamp();
    let mut connection = AsyncPgConnection::establish(&url).await.expect("the database server answers");
    let names: Vec<Name> =
        diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'parley\\_test\\_%'")
            .load(&mut connection)
            .await
            .expect("the databases are listed");
    let day = 24 * 3_600;
    for Name { name } in names {
        let started = name.split('_').nth(2).and_then(|time| time.parse::<i64>().ok());
        if started.is_some_and(|started| started < now - day) {
            let _ = connection.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
        }
    }
    format!("parley_test_{now}_{}", std::process::id())
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

impl TestDatabase {
    pub(crate) fn migrate_urls(&self, admin: &str) -> MigrationUrls {
        MigrationUrls {
            owner: self.owner_url.as_str().into(),
            admin: Some(AdminUrls {
                url: admin.into(),
                app: self.app_url.as_str().into(),
                platform: self.platform_url.as_str().into(),
            }),
        }
    }

    /// The adapter under test, with small pools.
    pub(crate) fn postgres(&self) -> Postgres {
        self.postgres_with(PoolSizes { tenant: 8, platform: 2, intake: 4 })
    }

    pub(crate) fn postgres_with(&self, connections: PoolSizes) -> Postgres {
        self.configured(connections, LOCK_TIMEOUT, key_ring())
    }

    pub(crate) fn postgres_with_lock_timeout(&self, lock_timeout: Duration) -> Postgres {
        self.configured(PoolSizes { tenant: 1, platform: 1, intake: 1 }, lock_timeout, key_ring())
    }

    /// Signs audit records with the first of these keys.
    pub(crate) fn postgres_with_keys(&self, keys: KeyRing) -> Postgres {
        self.configured(PoolSizes { tenant: 1, platform: 1, intake: 1 }, LOCK_TIMEOUT, keys)
    }

    fn configured(&self, connections: PoolSizes, lock_timeout: Duration, keys: KeyRing) -> Postgres {
        Postgres::new(&PostgresConfig {
            app_url: self.app_url.as_str().into(),
            platform_url: self.platform_url.as_str().into(),
            connections,
            lock_timeout,
            audit_keys: Arc::new(keys),
        })
        .expect("the pools are configured")
    }

    /// A superuser connection, which bypasses row level security.
    pub(crate) async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.admin_url).await.expect("the database answers")
    }

    pub(crate) async fn as_app(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.app_url).await.expect("the database answers")
    }

    pub(crate) async fn as_platform(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.platform_url).await.expect("the database answers")
    }

    /// The number a query returns, run as the superuser.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        count(&mut self.admin().await, query).await.expect("the query runs")
    }

    /// Runs statements as the superuser.
    pub(crate) async fn execute(&self, statements: &str) {
        self.admin().await.batch_execute(statements).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The text a query returns in a column named `finding`.
    pub(crate) async fn text(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            finding: String,
        }
        diesel::sql_query(query).get_result::<Row>(&mut self.admin().await).await.expect("the query runs").finding
    }

    /// Refuses and terminates all connections except superusers', to simulate an outage.
    pub(crate) async fn refuse_connections(&self) {
        execute(&services().await.database_url, &format!("ALTER DATABASE \"{}\" CONNECTION LIMIT 0", self.name)).await;
        let terminate = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND usename <> 'postgres'",
            self.name
        );
        execute(&services().await.database_url, &terminate).await;
    }

    pub(crate) async fn accept_connections(&self) {
        execute(&services().await.database_url, &format!("ALTER DATABASE \"{}\" CONNECTION LIMIT -1", self.name)).await;
    }

    /// Drops the database and terminates its connections.
    pub(crate) async fn drop(self) {
        let drop = format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name);
        execute(&services().await.database_url, &drop).await;
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Runs `SELECT count(..)` or a similar query; the column is named `count`.
pub(crate) async fn count(connection: &mut AsyncPgConnection, query: &str) -> Result<i64, diesel::result::Error> {
    diesel::sql_query(query).get_result::<Count>(connection).await.map(|row| row.count)
}

async fn execute(url: &str, statement: &str) {
    let mut connection = AsyncPgConnection::establish(url).await.expect("the database server answers");
    connection.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
