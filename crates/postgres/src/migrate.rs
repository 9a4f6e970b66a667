use std::collections::HashSet;
use std::fmt::Write as _;

use diesel::QueryResult;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel::{Clock, StoreError};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::OrStoreError;
use crate::sql::{Exists, Prepared, sql};
use crate::system_roles;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
const ROLES: &str = include_str!("../../../deploy/postgres/roles.sql");
/// Any number will do, as long as all instances use the same: one migrates, the others wait.
const LOCK: &str = "SELECT pg_advisory_lock(7263740)";

/// Where migrations run.
#[derive(Clone, Debug)]
pub struct MigrationUrls {
    /// Logs in as `parley_owner`, who owns the schema.
    pub owner: SecretString,
    /// Makes roles and the database first, where they are missing.
    pub admin: Option<AdminUrls>,
}

/// A superuser's way in, and the URLs whose passwords the roles get.
#[derive(Clone, Debug)]
pub struct AdminUrls {
    pub url: SecretString,
    pub app: SecretString,
    pub platform: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("cannot connect to the database as {role}: {source}")]
    Connect { role: &'static str, source: diesel::ConnectionError },
    #[error("the database URL of {0} is not a postgres:// URL with a user, a password and a database")]
    Url(&'static str),
    #[error("Postgres 15 or later is needed, this is {0}")]
    TooOld(String),
    #[error("could not make roles and database: {0}")]
    Setup(diesel::result::Error),
    #[error("a migration failed: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    #[error("the system roles of tenants could not be brought up to date: {0}")]
    SystemRoles(diesel::result::Error),
}

/// What was not up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// The names of the migrations that ran.
    pub migrations: Vec<String>,
    /// How many system roles of tenants were not as they are now.
    pub system_roles: usize,
}

/// Brings the schema up to date, and the system roles of all tenants. Needs a multi-threaded runtime.
///
/// # Errors
/// [`MigrateError`]. Each migration is a transaction: the ones before it stay, of a failed one nothing does.
pub async fn migrate(urls: &MigrationUrls, clock: &dyn Clock) -> Result<MigrationReport, MigrateError> {
    if let Some(admin) = &urls.admin {
        set_up(admin, &urls.owner).await?;
    }
    let mut owner = connect("parley_owner", urls.owner.expose_secret()).await?;
    if let Some(version) = too_old(&mut owner).await.map_err(MigrateError::Setup)? {
        return Err(MigrateError::TooOld(version));
    }
    owner.batch_execute(LOCK).await.map_err(MigrateError::Setup)?;
    let mut harness = AsyncMigrationHarness::new(owner);
    let ran = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
    let migrations = ran.iter().map(ToString::to_string).collect();
    let system_roles =
        system_roles::update(&mut harness.into_inner(), clock).await.map_err(MigrateError::SystemRoles)?;
    Ok(MigrationReport { migrations, system_roles })
}

/// The migrations that the database has not seen. One that never saw any has not even the table of them.
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
    Ok(known()?
        .iter()
        .filter(|migration| !seen.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect())
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

/// The server's version, if it is below 15: policies and foreign keys here use what that brought.
pub(crate) async fn too_old(connection: &mut AsyncPgConnection) -> QueryResult<Option<String>> {
    let version: Version = diesel::sql_query(
        "SELECT current_setting('server_version') AS name, current_setting('server_version_num')::int >= 150000 AS enough",
    )
    .get_result(connection)
    .await?;
    Ok((!version.enough).then_some(version.name))
}

/// Makes the roles with the passwords of the URLs, and the database.
async fn set_up(admin: &AdminUrls, owner: &SecretString) -> Result<(), MigrateError> {
    let mut connection = connect("the administrator", admin.url.expose_secret()).await?;
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

async fn connect(role: &'static str, url: &str) -> Result<AsyncPgConnection, MigrateError> {
    AsyncPgConnection::establish(url).await.map_err(|source| MigrateError::Connect { role, source })
}

fn parse(role: &'static str, url: &SecretString) -> Result<Url, MigrateError> {
    Url::parse(url.expose_secret()).ok().filter(|url| url.path().len() > 1).ok_or(MigrateError::Url(role))
}

/// Percent-decoded, as the database driver does it.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A string constant that no content can get out of; these statements take no parameters.
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
    fn nothing_gets_out_of_its_quotes() {
        assert_eq!(literal(r"a'b\'c"), r"E'a''b\\''c'");
        assert_eq!(identifier(r#"a"b"#), r#""a""b""#);
    }

    #[test]
    fn migrations_can_be_undone() {
        for migration in MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap() {
            let down = format!("../../migrations/{}/down.sql", migration.name());
            assert!(std::path::Path::new(&down).exists(), "{down}");
        }
    }
}
