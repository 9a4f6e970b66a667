use std::sync::Arc;

use async_trait::async_trait;
use inbound::{IncomingEvent, MetaAppKey, StoredEvent, split};
use kernel::{Clock, StoreError, Traceparent};

/// What became of a delivery.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Events in the delivery.
    pub events: usize,
    /// Those that were not there before.
    pub stored: Vec<StoredEvent>,
}

/// Why a delivery was not accepted, though nothing is wrong with it: Meta has to send it again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AcceptError {
    /// More deliveries wait to be stored than will be in a reasonable time.
    #[error("too many deliveries wait to be stored")]
    Busy,
    #[error("the delivery was not stored, or not all of it")]
    NotStored(#[source] Arc<StoreError>),
    /// Whether it was stored, nobody knows.
    #[error("storing the delivery was cut off")]
    CutOff,
}

/// Stores the events of many deliveries together.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Answers when all of them are committed: those that were not there before. Who no longer waits for the answer does
    /// not keep them from being stored.
    async fn store(&self, events: Vec<IncomingEvent>) -> Result<Vec<StoredEvent>, AcceptError>;
}

/// Stores what is in a delivery whose signature was verified. When this returns, the events are committed; only then may
/// Meta be told so.
///
/// # Errors
/// [`AcceptError`]: Meta has to send it again. What was stored of it is known by its key then.
pub async fn accept_delivery(
    store: &dyn DeliveryStore,
    app: &MetaAppKey,
    body: &[u8],
    trace: Traceparent,
    clock: &dyn Clock,
) -> Result<Accepted, AcceptError> {
    let incoming = |event| IncomingEvent { app: app.clone(), trace, event };
    let events: Vec<IncomingEvent> = split(body, clock).into_iter().map(incoming).collect();
    if events.is_empty() {
        return Ok(Accepted::default());
    }
    Ok(Accepted { events: events.len(), stored: store.store(events).await? })
}
