use chrono::{DateTime, Utc};
use inbound::{EventIntake, MetaAppKey, NewEvent, StoredEvent, split};
use kernel::{Clock, StoreError, Traceparent};

use crate::{Database, settle};

const CHUNK: usize = 1_000;

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
    trace: Traceparent,
    clock: &dyn Clock,
) -> Result<Accepted, StoreError> {
    let mut events = split(body, clock);
    if events.is_empty() {
        return Ok(Accepted::default());
    }
    // One order for everyone: two deliveries with the same events wait for each other instead of deadlocking.
    events.sort_by(|a, b| a.dedupe_key.cmp(&b.dedupe_key));
    let mut tx = database.intake().await?;
    let outcome = store(&mut *tx, app, &events, trace, clock.now()).await;
    let stored = settle(tx, outcome).await?;
    Ok(Accepted { events: events.len(), stored })
}

/// A delivery has one event as a rule and up to a thousand; no statement grows beyond what is quick.
async fn store(
    repo: &mut dyn EventIntake,
    app: &MetaAppKey,
    events: &[NewEvent],
    trace: Traceparent,
    now: DateTime<Utc>,
) -> Result<Vec<StoredEvent>, StoreError> {
    let mut stored = Vec::new();
    for chunk in events.chunks(CHUNK) {
        stored.extend(repo.store_events(app, chunk, trace, now).await?);
    }
    Ok(stored)
}
