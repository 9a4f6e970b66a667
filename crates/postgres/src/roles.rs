use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::StoreError;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql};

/// A login role that row level security does not apply to, or could be made not to.
#[derive(Debug, thiserror::Error)]
pub enum RoleProblem {
    #[error(
        "the database role {0} is a superuser: row level security does not apply to it (ALTER ROLE {0} NOSUPERUSER)"
    )]
    Superuser(String),
    #[error("the database role {0} bypasses row level security (ALTER ROLE {0} NOBYPASSRLS)")]
    BypassesRls(String),
    #[error("the database role {0} may create roles, and so become any other (ALTER ROLE {0} NOCREATEROLE)")]
    CreatesRoles(String),
    #[error("the database URL logs in as {session} and switched to {0}, and could switch back; log in as {0} itself", .role)]
    SetRole { session: String, role: String },
    #[error("the database role {0} is a member of {1}, and could become it (REVOKE {1} FROM {0})")]
    Member(String, String),
    #[error(
        "the database role {0} owns {1}: an owner can switch row level security off (ALTER TABLE {1} OWNER TO parley_owner)"
    )]
    Owner(String, String),
    #[error("the database URL for {expected} logs in as {actual}; the policies are written for {expected}")]
    UnexpectedRole { expected: &'static str, actual: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(diesel::QueryableByName)]
struct Facts {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    superuser: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    bypasses: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    creates_roles: bool,
    #[diesel(sql_type = diesel::sql_types::Text)]
    session: String,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    member_of: Option<String>,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    owned: Option<String>,
}

/// The value of `lc_messages` that makes the server's messages English, see `error.rs`.
pub(crate) const MESSAGE_LOCALE: &str = "C";

#[derive(diesel::QueryableByName)]
struct Locale {
    #[diesel(sql_type = diesel::sql_types::Text)]
    locale: String,
}

/// The locale of the server's messages on this connection.
pub(crate) async fn message_locale(connection: &mut AsyncPgConnection) -> Result<String, StoreError> {
    let Locale { locale } = Prepared(sql("SELECT current_setting('lc_messages') AS locale"))
        .get_result(connection)
        .await
        .or_store_error()?;
    Ok(locale)
}

pub(crate) async fn check(connection: &mut AsyncPgConnection, expected: &'static str) -> Result<(), RoleProblem> {
    let facts: Facts =
        Prepared(sql("SELECT r.rolname::text AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypasses,
                r.rolcreaterole AS creates_roles, session_user::text AS session,
                (SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                  WHERE m.member = r.oid ORDER BY g.rolname LIMIT 1) AS member_of,
                (SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relowner = r.oid AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1 LIMIT 1) AS owned
           FROM pg_roles r WHERE r.rolname = current_user"))
        .get_result(connection)
        .await
        .or_store_error()?;
    if facts.superuser {
        Err(RoleProblem::Superuser(facts.name))
    } else if facts.bypasses {
        Err(RoleProblem::BypassesRls(facts.name))
    } else if facts.creates_roles {
        Err(RoleProblem::CreatesRoles(facts.name))
    } else if facts.session != facts.name {
        Err(RoleProblem::SetRole { session: facts.session, role: facts.name })
    } else if let Some(role) = facts.member_of {
        Err(RoleProblem::Member(facts.name, role))
    } else if let Some(table) = facts.owned {
        Err(RoleProblem::Owner(facts.name, table))
    } else if facts.name != expected {
        Err(RoleProblem::UnexpectedRole { expected, actual: facts.name })
    } else {
        Ok(())
    }
}
