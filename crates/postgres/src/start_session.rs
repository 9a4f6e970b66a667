use audit::Log;
use diesel::sql_types::Nullable;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::{StartSession, StartSessionOutcome};
use iam::PasswordHash;
use kernel::seal::KeyRing;
use kernel::{StoreError, TenantScope};

use crate::audit::{bind_record, sign};
use crate::error::OrStoreError;
use crate::sql::{Prepared, boxed_sql, types};
use crate::tokens::bind_session;

const START_SESSION: &str = "
SELECT app.start_session_with_mac($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                 $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) AS outcome";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    outcome: String,
}

/// A single statement without an explicit transaction: `app.start_session_with_mac` sets the tenant for the statement's own transaction.
pub(crate) async fn run(
    connection: &mut AsyncPgConnection,
    scope: &TenantScope,
    key_ring: &KeyRing,
    start: &StartSession<'_>,
) -> Result<StartSessionOutcome, StoreError> {
    let StartSession { session, token, session_limit, verified_hash, new_hash, record, kid } = *start;
    let record = sign(key_ring, Log::Tenant(scope.tenant()), record)?;
    let statement = boxed_sql(START_SESSION)
        .bind::<types::Uuid, _>(scope.tenant().as_uuid())
        .bind::<types::Text, _>(verified_hash.as_phc())
        .bind::<Nullable<types::Text>, _>(new_hash.map(PasswordHash::as_phc))
        .bind::<types::Text, _>(kid)
        .bind::<types::Integer, _>(i32::from(session_limit));
    let statement = bind_record(bind_session(statement, session, token), &record);
    let row: Row = Prepared(statement).get_result(connection).await.or_store_error()?;
    match row.outcome.as_str() {
        "started" => Ok(StartSessionOutcome::Started),
        "credentials_changed" => Ok(StartSessionOutcome::CredentialsChanged),
        "session_limit_reached" => Ok(StartSessionOutcome::SessionLimitReached),
        "signing_key_replaced" => Ok(StartSessionOutcome::SigningKeyReplaced),
        _ => Err(StoreError::corrupt("app.start_session_with_mac")),
    }
}
