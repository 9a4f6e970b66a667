use inbound::EventLedger;
use kernel::{Clock, StoreError};

use crate::{Database, settle};

/// Requeues unroutable events whose number was connected since, and held events whose tenant is active again; at most `limit` of
/// each. Returns their number. Called by the sweep, and after a number was connected or a tenant was reactivated.
/// A tenant's transaction cannot do this: events of an unconnected number belong to no tenant yet.
///
/// # Errors
/// [`StoreError`].
pub async fn requeue_held_and_unroutable(
    database: &dyn Database,
    limit: i64,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let mut tx = database.intake().await?;
    let outcome = async {
        let assigned = EventLedger::assign_unroutable(&mut *tx, clock.now(), limit).await?;
        Ok(assigned + EventLedger::requeue_held(&mut *tx, clock.now(), limit).await?)
    }
    .await;
    settle(tx, outcome).await
}
