use diesel::sql_types::Nullable;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::{Admission, Admitted};
use iam::PasswordHash;
use kernel::{StoreError, TenantScope};

use crate::audit::bind_record;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::tokens::bind_session;

const ADMIT: &str = "
SELECT app.admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                 $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) AS outcome";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    outcome: String,
}

/// One statement outside of a transaction: `app.admit` sets the tenant for the transaction that the statement is.
pub(crate) async fn write(
    connection: &mut AsyncPgConnection,
    scope: &TenantScope,
    admission: &Admission<'_>,
) -> Result<Admitted, StoreError> {
    let Admission { session, token, most, verified, renewed, record, kid } = *admission;
    let statement = sql(ADMIT)
        .bind::<types::Uuid, _>(scope.tenant().as_uuid())
        .bind::<types::Text, _>(verified.as_phc())
        .bind::<Nullable<types::Text>, _>(renewed.map(PasswordHash::as_phc))
        .bind::<types::Text, _>(kid)
        .bind::<types::Integer, _>(i32::from(most));
    let statement = bind_record!(bind_session!(statement, session, token), record);
    let row: Row = Prepared(statement).get_result(connection).await.or_store_error()?;
    match row.outcome.as_str() {
        "started" => Ok(Admitted::Started),
        "changed" => Ok(Admitted::Changed),
        "full" => Ok(Admitted::Full),
        "key_replaced" => Ok(Admitted::KeyReplaced),
        _ => Err(StoreError::corrupt("app.admit")),
    }
}
