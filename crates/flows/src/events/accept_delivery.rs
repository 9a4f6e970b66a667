use std::sync::Arc;

use async_trait::async_trait;
use inbound::{IncomingEvent, StoredEvent};
use kernel::{StoreError, Traceparent};
use whatsapp::{MetaAppKey, NewEvent};

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
    /// [Splits](whatsapp::split()) a delivery into its events. A large one is split on another thread, so that other requests do
    /// not wait for it, and few at a time, since its events need much memory.
    async fn split(&self, body: &[u8]) -> Result<Vec<NewEvent>, AcceptError>;
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
) -> Result<Accepted, AcceptError> {
    let incoming = |event| IncomingEvent { app: app.clone(), trace, event };
    let events: Vec<IncomingEvent> = store.split(body).await?.into_iter().map(incoming).collect();
    if events.is_empty() {
        return Ok(Accepted::default());
    }
    Ok(Accepted { events: events.len(), stored: store.store(events).await? })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use inbound::EventStatus;
    use kernel::ManualClock;

    use super::*;
    use crate::fake::{at, run};

    /// Stores the first event of each delivery as new, unless its queue is full.
    #[derive(Debug, Default)]
    struct FakeDeliveryStore {
        is_full: bool,
        received: Mutex<Vec<IncomingEvent>>,
    }

    #[async_trait]
    impl DeliveryStore for FakeDeliveryStore {
        async fn split(&self, body: &[u8]) -> Result<Vec<NewEvent>, AcceptError> {
            Ok(whatsapp::split(body, &ManualClock::starting_at(at(0))))
        }

        async fn store(&self, events: Vec<IncomingEvent>) -> Result<Vec<StoredEvent>, AcceptError> {
            if self.is_full {
                return Err(AcceptError::Busy);
            }
            let new = StoredEvent { id: events[0].event.id, tenant: None, status: EventStatus::Unroutable };
            self.received.lock().unwrap().extend(events);
            Ok(vec![new])
        }
    }

    const DELIVERY: &str = r#"{"entry":[{"id":"900","changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":"100"},
        "messages":[{"id":"wamid.A","from":"1"},{"id":"wamid.B","from":"1"}]}}]}]}"#;

    fn accept(store: &FakeDeliveryStore, body: &str) -> Result<Accepted, AcceptError> {
        let clock = ManualClock::starting_at(at(0));
        let (app, trace) = (MetaAppKey::from_stored("0123".to_owned()), Traceparent::start(&clock));
        let outcome = run(accept_delivery(store, &app, body.as_bytes(), trace));
        let received = store.received.lock().unwrap();
        assert!(received.iter().all(|event| event.app == app && event.trace == trace));
        outcome
    }

    #[test]
    fn each_event_of_a_delivery_is_stored_with_its_app() {
        let store = FakeDeliveryStore::default();
        let accepted = accept(&store, DELIVERY).unwrap();
        let received = store.received.into_inner().unwrap();
        assert_eq!((accepted.events, received.len()), (2, 2));
        // Events that were stored before are not among them.
        assert_eq!(accepted.stored.iter().map(|it| it.id).collect::<Vec<_>>(), [received[0].event.id]);
    }

    #[test]
    fn body_that_cannot_be_parsed_is_stored_whole() {
        let store = FakeDeliveryStore::default();
        assert_eq!(accept(&store, "no json").unwrap().events, 1);
        assert_eq!(store.received.into_inner().unwrap()[0].event.payload, b"no json");
    }

    #[test]
    fn delivery_without_events_is_accepted_by_a_full_store() {
        let store = FakeDeliveryStore { is_full: true, ..FakeDeliveryStore::default() };
        let accepted = accept(&store, r#"{"entry":[]}"#).unwrap();
        assert_eq!((accepted.events, accepted.stored.len()), (0, 0));
    }

    #[test]
    fn delivery_that_a_full_store_refuses_is_not_accepted() {
        let store = FakeDeliveryStore { is_full: true, ..FakeDeliveryStore::default() };
        assert!(matches!(accept(&store, DELIVERY), Err(AcceptError::Busy)));
    }
}
