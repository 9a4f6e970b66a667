use inbound::EventLedger;
use kernel::{Clock, StoreError};

use crate::{Database, settle};

/// Requeues events that waited for their number to be connected, or for their suspended tenant to be active again; at most
/// `limit` of each. Returns their number. Called by the sweep, and after a number was connected or a tenant was reactivated.
/// A tenant's transaction cannot do this: events of an unconnected number belong to no tenant yet.
///
/// # Errors
/// [`StoreError`].
pub async fn requeue_waiting_events(
    database: &dyn Database,
    limit: i64,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let mut tx = database.intake().await?;
    let outcome = async {
        let adopted = EventLedger::assign_unroutable(&mut *tx, clock.now(), limit).await?;
        Ok(adopted + EventLedger::requeue_held(&mut *tx, clock.now(), limit).await?)
    }
    .await;
    settle(tx, outcome).await
}
