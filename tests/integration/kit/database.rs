//! Databases for tests: one that most of them share, each with tenants of its own, and copies of it for those that need
//! one alone.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use postgres::{Admin, Connections, MigrateUrls, Postgres, PostgresConfig, migrate};
use tokio::sync::OnceCell;
use url::Url;

use super::services::services;

/// A migrated database, and how the roles get in.
#[derive(Clone, Debug)]
pub(crate) struct TestDatabase {
    pub(crate) name: String,
    pub(crate) admin_url: String,
    pub(crate) owner_url: String,
    pub(crate) app_url: String,
    pub(crate) platform_url: String,
}

const PASSWORD: &str = "parley-test";

/// The name that databases of this run start with.
static RUN: OnceCell<String> = OnceCell::const_new();
static TEMPLATE: OnceCell<TestDatabase> = OnceCell::const_new();
static SHARED: OnceCell<TestDatabase> = OnceCell::const_new();
static COPIES: AtomicU32 = AtomicU32::new(0);

/// The database that tests share.
pub(crate) async fn shared() -> TestDatabase {
    SHARED.get_or_init(alone).await.clone()
}

/// A database that nobody else uses.
pub(crate) async fn alone() -> TestDatabase {
    let template = TEMPLATE.get_or_init(|| async { migrated("template").await }).await;
    let copy = named(&format!("copy{}", COPIES.fetch_add(1, Ordering::Relaxed))).await;
    let create = format!("CREATE DATABASE \"{}\" OWNER parley_owner TEMPLATE \"{}\"", copy.name, template.name);
    execute(&services().await.database_url, &create).await;
    copy
}

/// A database that was made and migrated from nothing.
pub(crate) async fn migrated(name: &str) -> TestDatabase {
    let database = named(name).await;
    let urls = database.migrate_urls(&services().await.database_url);
    migrate(&urls, &kernel::SystemClock::new()).await.expect("migrations run");
    database
}

/// How a database of this run is called and reached; it need not exist.
pub(crate) async fn named(name: &str) -> TestDatabase {
    let run = RUN.get_or_init(start_run).await;
    let name = format!("{run}_{name}");
    let url = |user: &str, password: &str| {
        let mut url = Url::parse(&services_url()).expect("the database URL is one");
        url.set_path(&name);
        url.set_username(user).expect("a user can be set");
        url.set_password(Some(password)).expect("a password can be set");
        url.to_string()
    };
    let mut admin = Url::parse(&services_url()).expect("the database URL is one");
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

/// Names this run after the time, and clears away what runs before yesterday left on a server that outlives them.
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
            .expect("databases can be listed");
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
    pub(crate) fn migrate_urls(&self, admin: &str) -> MigrateUrls {
        MigrateUrls {
            owner: self.owner_url.as_str().into(),
            admin: Some(Admin {
                url: admin.into(),
                app: self.app_url.as_str().into(),
                platform: self.platform_url.as_str().into(),
            }),
        }
    }

    /// The adapter under test, with few connections.
    pub(crate) fn postgres(&self) -> Postgres {
        self.postgres_with(Connections { tenant: 8, platform: 2, intake: 4 })
    }

    pub(crate) fn postgres_with(&self, connections: Connections) -> Postgres {
        Postgres::new(&PostgresConfig {
            app_url: self.app_url.as_str().into(),
            platform_url: self.platform_url.as_str().into(),
            connections,
        })
        .expect("pools can be made")
    }

    /// A connection of the superuser, to look behind the walls.
    pub(crate) async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.admin_url).await.expect("the database answers")
    }

    pub(crate) async fn as_app(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.app_url).await.expect("the database answers")
    }

    pub(crate) async fn as_platform(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.platform_url).await.expect("the database answers")
    }

    /// What a query for one number answers, seen by the superuser.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        count(&mut self.admin().await, query).await.expect("the query runs")
    }

    /// Runs statements as the superuser.
    pub(crate) async fn execute(&self, statements: &str) {
        self.admin().await.batch_execute(statements).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The one text that a query answers, in a column called `finding`.
    pub(crate) async fn text(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            finding: String,
        }
        diesel::sql_query(query).get_result::<Row>(&mut self.admin().await).await.expect("the query runs").finding
    }

    /// Lets nobody but superusers in, and throws out who is in: as if it were away.
    pub(crate) async fn refuse_connections(&self) {
        execute(&services().await.database_url, &format!("ALTER DATABASE \"{}\" CONNECTION LIMIT 0", self.name)).await;
        let throw_out = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND usename <> 'postgres'",
            self.name
        );
        execute(&services().await.database_url, &throw_out).await;
    }

    pub(crate) async fn accept_connections(&self) {
        execute(&services().await.database_url, &format!("ALTER DATABASE \"{}\" CONNECTION LIMIT -1", self.name)).await;
    }

    /// Removes it, whoever is still connected.
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

/// `SELECT count(..)` or the like; the column is named `count`.
pub(crate) async fn count(connection: &mut AsyncPgConnection, query: &str) -> Result<i64, diesel::result::Error> {
    diesel::sql_query(query).get_result::<Count>(connection).await.map(|row| row.count)
}

async fn execute(url: &str, statement: &str) {
    let mut connection = AsyncPgConnection::establish(url).await.expect("the database server answers");
    connection.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
