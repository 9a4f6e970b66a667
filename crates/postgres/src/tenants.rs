//! Reading which tenants have something to do.

use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::TenantId;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// The tenants of a statement with the parameters `$1`, the id that they come after, and `$2`, their number at most.
pub(crate) async fn after(
    tx: &mut Tx<Platform>,
    statement: &'static str,
    after: Option<TenantId>,
    limit: i32,
) -> Result<Vec<TenantId>, StoreError> {
    // Smaller than all tenant ids.
    let after = after.map_or_else(Uuid::nil, TenantId::as_uuid);
    let statement = sql(statement).bind::<types::Uuid, _>(after).bind::<types::Integer, _>(limit);
    let rows: Vec<Id> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.id)).collect())
}
