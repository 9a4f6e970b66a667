use std::sync::Arc;

use async_trait::async_trait;
use inbound::{IncomingEvent, StoredEvent};
use kernel::{Clock, StoreError, Traceparent};
use whatsapp::{MetaAppKey, split};

/// The result of storing a delivery.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Events in the delivery.
    pub events: usize,
    /// Events that were not stored before.
    pub stored: Vec<StoredEvent>,
}

/// Why a valid delivery was not stored. Meta has to send it again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AcceptError {
    /// The queue of deliveries to store is too long.
    #[error("too many deliveries are waiting to be stored")]
    Busy,
    #[error("the delivery was not stored completely")]
    NotStored(#[source] Arc<StoreError>),
    /// The result is unknown.
    #[error("storing the delivery was interrupted")]
    CutOff,
}

/// Stores the events of many deliveries in batches.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Returns the events that were not stored before, after all of them are committed. Dropping the future does not cancel
    /// the store.
    async fn store(&self, events: Vec<IncomingEvent>) -> Result<Vec<StoredEvent>, AcceptError>;
}

/// Stores the events of a delivery whose signature was verified. When this returns, they are committed; Meta must not get a
/// success response before.
///
/// # Errors
/// [`AcceptError`]: Meta has to send the delivery again. Events that were stored are then recognized by their keys.
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
