use chrono::{DateTime, Utc};
use kernel::StoreError;

use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// Above the number of updates in a batch, so that the number of old rows decreases.
const LIMIT: i64 = 200;

const DELETE_UPDATES: &str = "
DELETE FROM message_updates u
 USING (
   SELECT account_id, wamid, kind, key FROM message_updates
    WHERE tenant_id = $1 AND parked AND created_at < $2
    ORDER BY created_at
    LIMIT $3
      FOR UPDATE SKIP LOCKED
 ) old
 WHERE u.tenant_id = $1 AND u.account_id = old.account_id AND u.wamid = old.wamid AND u.kind = old.kind AND u.key = old.key";

const DELETE_SIGHTINGS: &str = "
DELETE FROM identity_sightings s
 USING (
   SELECT scope, bsuid, phone FROM identity_sightings
    WHERE tenant_id = $1 AND created_at < $2
    ORDER BY created_at
    LIMIT $3
      FOR UPDATE SKIP LOCKED
 ) old
 WHERE s.tenant_id = $1 AND s.scope = old.scope AND s.bsuid = old.bsuid AND s.phone = old.phone";

pub(super) async fn delete_expired(tx: &mut Tx<Tenant>, before: DateTime<Utc>) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    for statement in [DELETE_UPDATES, DELETE_SIGHTINGS] {
        let statement = sql(statement)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Timestamptz, _>(before)
            .bind::<types::BigInt, _>(LIMIT);
        tx.execute(statement).await?;
    }
    Ok(())
}
