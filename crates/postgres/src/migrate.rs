use std::collections::HashSet;
use std::fmt::Write as _;

use diesel::QueryResult;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel::{Clock, StoreError};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::connect::{ConnectFailure, Connector};
use crate::database_url::DatabaseUrlError;
use crate::error::OrStoreError;
use crate::functions::{self, Difference};
use crate::sql::{Exists, Prepared, sql};
use crate::system_roles;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
const ROLES: &str = include_str!("../../../deploy/postgres/roles.sql");
/// An arbitrary number. One instance migrates, the others wait.
const LOCK: &str = "SELECT pg_advisory_lock(7263740)";
/// A migration that waits for a lock on a table blocks all statements that come after it. It gives up instead; the next run tries
/// again.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '10s'";
/// No role needs temporary objects. A type or function in `pg_temp` could be taken for one of the same name elsewhere.
const REVOKE_TEMPORARY: &str =
    "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$";

/// URLs for migrations.
#[derive(Clone, Debug)]
pub struct MigrationUrls {
    /// Logs in as `parley_owner`, which owns the schema.
    pub owner: SecretString,
    /// If set, missing roles and the database are created first.
    pub admin: Option<AdminUrls>,
}

/// A superuser's URL, and the URLs with the passwords of the roles.
#[derive(Clone, Debug)]
pub struct AdminUrls {
    pub url: SecretString,
    pub app: SecretString,
    pub platform: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("cannot connect to the database as {role}: {failure}")]
    Connect { role: &'static str, failure: ConnectFailure },
    #[error("{setting} {problem}")]
    UnusableUrl { setting: &'static str, problem: DatabaseUrlError },
    #[error("the database URL of {0} is not a postgres:// URL with a user, a password and a database")]
    Url(&'static str),
    #[error("Postgres 15 or later is needed, this is {0}")]
    TooOld(String),
    #[error("creating roles and database failed: {0}")]
    Setup(diesel::result::Error),
    #[error("migration failed: {0} (nothing of it is applied; run `parley migrate` again)")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    #[error("applying the SQL functions failed: {0}")]
    Functions(diesel::result::Error),
    #[error("updating the system roles of tenants failed: {0}")]
    SystemRoles(diesel::result::Error),
}

/// What a migration run changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// Names of the migrations that ran.
    pub migrations: Vec<String>,
    /// Names of the SQL functions that were created or replaced.
    pub functions: Vec<String>,
    /// Number of tenants' system roles that were updated.
    pub system_roles: usize,
}

/// Runs pending migrations, applies SQL functions that differ, and updates the system roles of all tenants. Needs a multi-threaded
/// runtime.
///
/// # Errors
/// [`MigrateError`]. Each migration is a transaction: if one fails, it is rolled back and the ones before it stay.
pub async fn migrate(urls: &MigrationUrls, clock: &dyn Clock) -> Result<MigrationReport, MigrateError> {
    if let Some(admin) = &urls.admin {
        set_up(admin, &urls.owner).await?;
    }
    let mut owner = connect("parley_owner", "database.owner_url", &urls.owner).await?;
    if let Some(version) = too_old(&mut owner).await.map_err(MigrateError::Setup)? {
        return Err(MigrateError::TooOld(version));
    }
    owner.batch_execute(LOCK).await.map_err(MigrateError::Setup)?;
    owner.batch_execute(LOCK_TIMEOUT).await.map_err(MigrateError::Setup)?;
    owner.batch_execute(REVOKE_TEMPORARY).await.map_err(MigrateError::Setup)?;
    let mut harness = AsyncMigrationHarness::new(owner);
    let ran = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
    let migrations = ran.iter().map(ToString::to_string).collect();
    let mut owner = harness.into_inner();
    let functions = functions::apply(&mut owner, clock.now()).await.map_err(MigrateError::Functions)?;
    let system_roles = system_roles::update(&mut owner, clock).await.map_err(MigrateError::SystemRoles)?;
    Ok(MigrationReport { migrations, functions, system_roles })
}

/// Migrations of this build that have not run, and functions whose text was never applied, as `functions/<name>`. A new database
/// does not have the table of migrations yet.
pub(crate) async fn pending(connection: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    use crate::schema::__diesel_schema_migrations::dsl::{__diesel_schema_migrations, version};
    use diesel::QueryDsl as _;

    let exists: Exists = Prepared(sql("SELECT to_regclass('public.__diesel_schema_migrations') IS NOT NULL AS exists"))
        .get_result(connection)
        .await
        .or_store_error()?;
    let seen: HashSet<String> = if exists.exists {
        __diesel_schema_migrations.select(version).load(connection).await.or_store_error()?.into_iter().collect()
    } else {
        HashSet::new()
    };
    let mut pending: Vec<String> = known()?
        .iter()
        .filter(|migration| !seen.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect();
    let functions = functions::differences(connection).await.or_store_error()?;
    let never_applied = functions.into_iter().filter(|(_, difference)| *difference == Difference::NeverApplied);
    pending.extend(never_applied.map(|(name, _)| format!("functions/{name}")));
    Ok(pending)
}

/// All migrations of this build, in their order.
fn known() -> Result<Vec<Box<dyn Migration<Pg>>>, StoreError> {
    MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(StoreError::Other)
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    enough: bool,
}

/// The server's version, if it is below 15, which the foreign keys need.
pub(crate) async fn too_old(connection: &mut AsyncPgConnection) -> QueryResult<Option<String>> {
    let version: Version = diesel::sql_query(
        "SELECT current_setting('server_version') AS name, current_setting('server_version_num')::int >= 150000 AS enough",
    )
    .get_result(connection)
    .await?;
    Ok((!version.enough).then_some(version.name))
}

/// Creates the roles with the passwords of the URLs, and the database.
async fn set_up(admin: &AdminUrls, owner: &SecretString) -> Result<(), MigrateError> {
    let mut connection = connect("the administrator", "database.admin_url", &admin.url).await?;
    connection.batch_execute(LOCK).await.map_err(MigrateError::Setup)?;
    let mut statements = ROLES.to_owned();
    for (role, url) in [("parley_owner", owner), ("parley_app", &admin.app), ("parley_platform", &admin.platform)] {
        let url = parse(role, url)?;
        if url.username() != role {
            return Err(MigrateError::Url(role));
        }
        let password = decode(url.password().ok_or(MigrateError::Url(role))?);
        let _ = writeln!(statements, "ALTER ROLE {role} PASSWORD {};", literal(&password));
    }
    connection.batch_execute(&statements).await.map_err(MigrateError::Setup)?;

    let url = parse("parley_owner", owner)?;
    let database = decode(url.path().trim_start_matches('/'));
    if !exists(&mut connection, &database).await.map_err(MigrateError::Setup)? {
        let create =
            format!("CREATE DATABASE {} OWNER parley_owner ENCODING 'UTF8' TEMPLATE template0", identifier(&database));
        connection.batch_execute(&create).await.map_err(MigrateError::Setup)?;
    }
    Ok(())
}

async fn exists(connection: &mut AsyncPgConnection, database: &str) -> Result<bool, diesel::result::Error> {
    let row: Exists = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists")
        .bind::<diesel::sql_types::Text, _>(database)
        .get_result(connection)
        .await?;
    Ok(row.exists)
}

async fn connect(
    role: &'static str,
    setting: &'static str,
    url: &SecretString,
) -> Result<AsyncPgConnection, MigrateError> {
    let connector = Connector::new(url).map_err(|problem| MigrateError::UnusableUrl { setting, problem })?;
    connector.connect().await.map_err(|failure| MigrateError::Connect { role, failure })
}

fn parse(role: &'static str, url: &SecretString) -> Result<Url, MigrateError> {
    Url::parse(url.expose_secret()).ok().filter(|url| url.path().len() > 1).ok_or(MigrateError::Url(role))
}

/// Percent-decodes like the database driver.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A quoted string literal, for statements that take no parameters.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_and_identifier_are_escaped() {
        assert_eq!(literal(r"a'b\'c"), r"E'a''b\\''c'");
        assert_eq!(identifier(r#"a"b"#), r#""a""b""#);
    }

    #[test]
    fn each_migration_has_a_down_script() {
        for migration in MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap() {
            let down = format!("../../migrations/{}/down.sql", migration.name());
            assert!(std::path::Path::new(&down).exists(), "{down}");
        }
    }
}
