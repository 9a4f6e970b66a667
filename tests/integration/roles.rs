//! The server requires database roles that row level security applies to; migrations create them and can be reverted.

use std::sync::Arc;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use flows::Database;
use kernel::SystemClock;
use postgres::{LOCK_TIMEOUT, MigrationReport, PoolSizes, Postgres, PostgresConfig, RoleProblem, migrate};
use url::Url;

use crate::kit::database::{self, TestDatabase};
use crate::kit::services::services;
use crate::kit::token_forger::key_ring;

fn postgres_as(app_url: &str, platform_url: &str) -> Postgres {
    Postgres::new(&PostgresConfig {
        app_url: app_url.into(),
        platform_url: platform_url.into(),
        connections: PoolSizes { tenant: 1, platform: 1, intake: 1 },
        lock_timeout: LOCK_TIMEOUT,
        audit_keys: Arc::new(key_ring()),
    })
    .unwrap()
}

async fn problem(database: &TestDatabase, app_url: &str) -> RoleProblem {
    postgres_as(app_url, &database.platform_url).check_roles().await.unwrap_err()
}

/// A database role of this test and a URL that logs in as it.
async fn role(database: &TestDatabase, name: &str, attributes: &str) -> String {
    let create = format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD 'parley-test' {attributes}");
    database.admin().await.batch_execute(&create).await.unwrap();
    let mut url = Url::parse(&database.app_url).unwrap();
    url.set_username(name).unwrap();
    url.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn database_roles_created_by_migration_are_restricted() {
    database::shared().await.postgres().check_roles().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn database_role_that_bypasses_rls_is_refused() {
    let database = database::copy().await;
    assert!(matches!(problem(&database, &database.admin_url).await, RoleProblem::Superuser(_)));
    let bypassing = role(&database, "parley_test_bypassing", "BYPASSRLS").await;
    assert!(matches!(problem(&database, &bypassing).await, RoleProblem::BypassesRls(_)));
    let member = role(&database, "parley_test_member", "IN ROLE parley_owner").await;
    assert!(matches!(problem(&database, &member).await, RoleProblem::Member(_, of) if of == "parley_owner"));
    let creating = role(&database, "parley_test_creating", "CREATEROLE").await;
    assert!(matches!(problem(&database, &creating).await, RoleProblem::CreatesRoles(_)));
    let borrowed = format!("{}?options=-c%20role%3Dparley_app", database.admin_url);
    assert!(
        matches!(problem(&database, &borrowed).await, RoleProblem::SetRole { session, .. } if session == "postgres")
    );
    assert!(matches!(problem(&database, &database.platform_url).await, RoleProblem::UnexpectedRole { .. }));

    database.admin().await.batch_execute("ALTER TABLE contacts OWNER TO parley_app").await.unwrap();
    assert!(matches!(problem(&database, &database.app_url).await, RoleProblem::Owner(_, table) if table == "contacts"));
    let mut admin = AsyncPgConnection::establish(&services().await.database_url).await.unwrap();
    database.drop().await;
    admin
        .batch_execute("DROP ROLE parley_test_bypassing; DROP ROLE parley_test_member; DROP ROLE parley_test_creating")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_once_and_can_be_reverted() {
    let database = database::migrated("from_nothing").await;
    let postgres = database.postgres();
    assert_eq!(postgres.pending_migrations().await.unwrap(), [""; 0]);
    let urls = database.migrate_urls(&services().await.database_url);
    let migrated = migrate(&urls, &SystemClock::new()).await.unwrap();
    assert_eq!(migrated, MigrationReport::default(), "a second run changes nothing");

    let mut migrations: Vec<_> =
        std::fs::read_dir("../migrations").unwrap().map(|entry| entry.unwrap().path()).collect();
    migrations.sort();
    let mut owner = AsyncPgConnection::establish(&database.owner_url).await.unwrap();
    for migration in migrations.iter().rev() {
        let down = std::fs::read_to_string(migration.join("down.sql")).unwrap();
        owner.batch_execute(&down).await.unwrap_or_else(|error| panic!("{}: {error}", migration.display()));
    }
    let left = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname IN ('public', 'app') AND c.relkind = 'r' AND c.relname <> '__diesel_schema_migrations'";
    assert_eq!(database.count(left).await, 0);
    owner.batch_execute("DELETE FROM __diesel_schema_migrations").await.unwrap();
    assert_eq!(migrate(&urls, &SystemClock::new()).await.unwrap().migrations.len(), migrations.len());
    drop(owner);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_restores_changed_functions() {
    let database = database::copy().await;
    let postgres = database.postgres();
    let change = "ALTER FUNCTION app.preview(text) COST 7;
                  GRANT EXECUTE ON FUNCTION app.purge_sessions TO parley_app;
                  DROP FUNCTION app.login_lookup;
                  DELETE FROM app.applied_functions WHERE name = 'tenant_of'";
    database.admin().await.batch_execute(change).await.unwrap();
    assert_eq!(postgres.pending_migrations().await.unwrap(), ["functions/tenant_of"]);

    let urls = database.migrate_urls(&services().await.database_url);
    let migrated = migrate(&urls, &SystemClock::new()).await.unwrap();
    assert_eq!(migrated.functions, ["login_lookup", "preview", "purge_sessions", "tenant_of"]);
    assert_eq!(migrate(&urls, &SystemClock::new()).await.unwrap(), MigrationReport::default());
    assert_eq!(postgres.pending_migrations().await.unwrap(), [""; 0]);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_database_is_unavailable_error() {
    let postgres = postgres_as("postgres://parley_app:x@127.0.0.1:1/x", "postgres://parley_platform:x@127.0.0.1:1/x");
    let error = postgres.directory().await.err().unwrap();
    assert!(matches!(error, kernel::StoreError::Unavailable(_)), "{error:?}");
}
