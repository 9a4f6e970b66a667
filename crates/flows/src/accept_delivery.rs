use inbound::{EventIntake, MetaAppKey, StoredEvent, split};
use kernel::{Clock, StoreError};

use crate::{Database, settle};

/// What became of a delivery.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Events in the delivery.
    pub events: usize,
    /// Those that were not there before.
    pub stored: Vec<StoredEvent>,
}

/// Stores what is in a delivery whose signature was verified. When this returns, the events are committed; only then may
/// Meta be told so.
///
/// # Errors
/// [`StoreError`]: nothing was stored, and Meta has to send it again.
pub async fn accept_delivery(
    database: &dyn Database,
    app: &MetaAppKey,
    body: &[u8],
    clock: &dyn Clock,
) -> Result<Accepted, StoreError> {
    let mut events = split(body, clock);
    if events.is_empty() {
        return Ok(Accepted::default());
    }
    // One order for everyone: two deliveries with the same events wait for each other instead of deadlocking.
    events.sort_by(|a, b| a.dedupe_key.cmp(&b.dedupe_key));
    let mut tx = database.intake().await?;
    let outcome = EventIntake::store_events(&mut *tx, app, &events, clock.now()).await;
    let stored = settle(tx, outcome).await?;
    Ok(Accepted { events: events.len(), stored })
}
