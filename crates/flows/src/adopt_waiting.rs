use inbound::EventLedger;
use kernel::{Clock, StoreError};

use crate::{Database, settle};

/// Drives events again that waited for a number to be connected, so many at most; how many. A tenant's own transaction does
/// not see them: until then they belong to nobody.
///
/// # Errors
/// [`StoreError`].
pub async fn adopt_waiting(database: &dyn Database, limit: i64, clock: &dyn Clock) -> Result<usize, StoreError> {
    let mut tx = database.intake().await?;
    let outcome = EventLedger::adopt_unroutable(&mut *tx, clock.now(), limit).await;
    settle(tx, outcome).await
}
