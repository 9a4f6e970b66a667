//! Checks of the database for `parley check`.

use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::StoreError;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use url::Url;

use crate::connect::{ConnectFailure, Connector};
use crate::database_url::DatabaseUrlError;
use crate::error::OrStoreError;
use crate::functions::{self, Difference};
use crate::migrate;
use crate::roles::{self, RoleProblem};
use crate::sql::{Exists, Prepared, sql, types};

/// An available database connects faster.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A database URL to check.
#[derive(Clone, Debug)]
pub struct DatabaseLogin {
    /// The setting that holds the URL.
    pub setting: &'static str,
    pub url: SecretString,
    /// The role that it must log in as, if it serves requests.
    pub expected_role: Option<DatabaseRole>,
}

/// The roles that serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseRole {
    /// `parley_app`
    App,
    /// `parley_platform`
    Platform,
}

impl DatabaseRole {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::App => "parley_app",
            Self::Platform => "parley_platform",
        }
    }
}

/// A problem of the database, and how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseProblem {
    #[error("{setting} {problem}")]
    UnusableUrl { setting: &'static str, problem: DatabaseUrlError },
    #[error(
        "{setting}: the encrypted connection failed: {reason} (the server needs ssl = on and a certificate for the host of the URL, \
         of an authority in sslrootcert)"
    )]
    Encryption { setting: &'static str, reason: String },
    #[error(
        "{setting}: cannot connect: {reason} (is the server running, are host, port and database right? `parley migrate` with \
         database.admin_url creates the roles and the database)"
    )]
    Unreachable { setting: &'static str, reason: String },
    #[error(
        "{setting} logs in as {role}, and the server has no such role (`parley migrate` with database.admin_url creates it)"
    )]
    NoRole { setting: &'static str, role: String },
    #[error("{setting} is refused: {reason} (fix the URL, or as a superuser: ALTER ROLE {role} LOGIN PASSWORD '...')")]
    Refused { setting: &'static str, role: String, reason: String },
    #[error(transparent)]
    Role(#[from] RoleProblem),
    #[error(
        "the database role {role} gets error messages in the locale {locale:?}, but some errors are recognized by their English \
         text (as a superuser: ALTER ROLE {role} SET lc_messages = 'C')"
    )]
    TranslatedMessages { role: &'static str, locale: String },
    #[error("Postgres 15 or later is needed, this is {0}")]
    TooOld(String),
    #[error("migrations are pending: {} (run `parley migrate`)", .0.join(", "))]
    Pending(Vec<String>),
    #[error(
        "SQL functions were changed since this version applied them: {} (run `parley migrate` of the version that serves)",
        .0.join(", ")
    )]
    FunctionsChanged(Vec<String>),
    #[error(
        "the table {0} is not isolated by tenant: row level security is not forced or the policy tenant_isolation is missing (restore the schema)"
    )]
    RowSecurityMissing(String),
    #[error(
        "{0} is off: webhooks that were answered 200 may be lost in a crash of the server (ALTER SYSTEM SET {0} = on)"
    )]
    DurabilityOff(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All problems that the given logins can see. Read-only.
pub async fn inspect(logins: &[DatabaseLogin]) -> Vec<DatabaseProblem> {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for login in logins {
        match connect(login).await {
            Ok(connection) => inside.push((login, connection)),
            Err(failure) => outside.push((login, failure)),
        }
    }
    let mut problems = Vec::new();
    for (login, failure) in outside {
        let witness = inside.first_mut().map(|(_, connection)| connection);
        problems.push(match failure {
            Failure::Explained(problem) => problem,
            Failure::Unexplained(reason) => explain_failure(login, reason, witness).await,
        });
    }
    for (login, connection) in &mut inside {
        if let Some(role) = login.expected_role
            && let Err(problem) = roles::check(connection, role.name()).await
        {
            problems.push(problem.into());
        }
        if let Some(role) = login.expected_role {
            match roles::message_locale(connection).await {
                Ok(locale) if locale == roles::MESSAGE_LOCALE => {}
                Ok(locale) => problems.push(DatabaseProblem::TranslatedMessages { role: role.name(), locale }),
                Err(error) => problems.push(error.into()),
            }
        }
    }
    let looked = match inside.first_mut() {
        Some((_, connection)) => inspect_server(connection, &mut problems).await,
        None => Ok(()),
    };
    // parley_app may not read what has been applied.
    let applied = match inside.iter_mut().find(|(login, _)| login.expected_role != Some(DatabaseRole::App)) {
        Some((_, connection)) => inspect_schema(connection, &mut problems).await,
        None => Ok(()),
    };
    problems.extend(looked.err().map(DatabaseProblem::from));
    problems.extend(applied.err().map(DatabaseProblem::from));
    problems
}

/// What has been applied, compared with this build.
async fn inspect_schema(
    connection: &mut AsyncPgConnection,
    problems: &mut Vec<DatabaseProblem>,
) -> Result<(), StoreError> {
    let pending = migrate::pending(connection).await?;
    if !pending.is_empty() {
        problems.push(DatabaseProblem::Pending(pending));
    }
    let functions = functions::differences(connection).await.or_store_error()?;
    let changed = functions.into_iter().filter(|(_, difference)| *difference == Difference::ChangedSince);
    let changed: Vec<String> = changed.map(|(name, _)| name).collect();
    if !changed.is_empty() {
        problems.push(DatabaseProblem::FunctionsChanged(changed));
    }
    Ok(())
}

/// Why a login has no connection.
enum Failure {
    Explained(DatabaseProblem),
    /// The reason, which others may have, too.
    Unexplained(String),
}

async fn connect(login: &DatabaseLogin) -> Result<AsyncPgConnection, Failure> {
    let setting = login.setting;
    let connector = Connector::new(&login.url)
        .map_err(|problem| Failure::Explained(DatabaseProblem::UnusableUrl { setting, problem }))?;
    match timeout(CONNECT_TIMEOUT, connector.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(ConnectFailure::Encryption(reason))) => {
            Err(Failure::Explained(DatabaseProblem::Encryption { setting, reason }))
        }
        Ok(Err(ConnectFailure::Other(reason))) => Err(Failure::Unexplained(reason)),
        Err(_) => Err(Failure::Unexplained(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
    }
}

/// The server reports a missing role and a wrong password in the same way; a connection of another role can tell them apart.
async fn explain_failure(
    login: &DatabaseLogin,
    reason: String,
    witness: Option<&mut AsyncPgConnection>,
) -> DatabaseProblem {
    let setting = login.setting;
    let Some(witness) = witness else { return DatabaseProblem::Unreachable { setting, reason } };
    let url = Url::parse(login.url.expose_secret()).ok();
    let role = url.map(|url| url.username().to_owned()).unwrap_or_default();
    match exists(witness, &role).await {
        Ok(true) => DatabaseProblem::Refused { setting, role, reason },
        Ok(false) => DatabaseProblem::NoRole { setting, role },
        Err(error) => error.into(),
    }
}

async fn exists(connection: &mut AsyncPgConnection, role: &str) -> Result<bool, StoreError> {
    let query = sql("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS exists").bind::<types::Text, _>(role);
    let row: Exists = Prepared(query).get_result(connection).await.or_store_error()?;
    Ok(row.exists)
}

#[derive(diesel::QueryableByName)]
struct Server {
    #[diesel(sql_type = types::Texts)]
    careless: Vec<String>,
    #[diesel(sql_type = types::Texts)]
    unprotected: Vec<String>,
}

async fn inspect_server(
    connection: &mut AsyncPgConnection,
    problems: &mut Vec<DatabaseProblem>,
) -> Result<(), StoreError> {
    let server: Server = Prepared(sql("SELECT
                array(SELECT name FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit']) name
                       WHERE current_setting(name) = 'off') AS careless,
                array(SELECT c.relname::text FROM pg_class c
                        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
                       WHERE c.relkind IN ('r', 'p')
                         AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                                  AND EXISTS (SELECT FROM pg_policy p
                                               WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation'))
                       ORDER BY 1) AS unprotected"))
    .get_result(connection)
    .await
    .or_store_error()?;
    problems.extend(migrate::too_old(connection).await.or_store_error()?.map(DatabaseProblem::TooOld));
    problems.extend(server.careless.into_iter().map(DatabaseProblem::DurabilityOff));
    problems.extend(server.unprotected.into_iter().map(DatabaseProblem::RowSecurityMissing));
    Ok(())
}
