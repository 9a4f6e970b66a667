use inbound::EventLedger;
use kernel::{Clock, StoreError};

use crate::{Database, settle};

/// Drives events again that waited: for a number to be connected, or for their suspended tenant to be active again; so many
/// of each at most; how many. For the sweep, and for whoever connects a number or reactivates a tenant. A tenant's own
/// transaction sees none of the first: until then they belong to nobody.
///
/// # Errors
/// [`StoreError`].
pub async fn adopt_waiting(database: &dyn Database, limit: i64, clock: &dyn Clock) -> Result<usize, StoreError> {
    let mut tx = database.intake().await?;
    let outcome = async {
        let adopted = EventLedger::adopt_unroutable(&mut *tx, clock.now(), limit).await?;
        Ok(adopted + EventLedger::resume_held(&mut *tx, clock.now(), limit).await?)
    }
    .await;
    settle(tx, outcome).await
}
