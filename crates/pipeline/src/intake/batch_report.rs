use std::collections::HashMap;
use std::sync::Arc;

use flows::AcceptError;
use inbound::{EventStatus, IncomingEvent, StoredEvent};
use kernel::StoreError;
use kernel::ids::EventId;

use super::pending_delivery::StoreResult;

/// The results of the deliveries of a batch.
pub(super) struct BatchReport {
    pub(super) results: Vec<StoreResult>,
    /// The index of the delivery of each event.
    delivery_of: HashMap<EventId, usize>,
}

impl BatchReport {
    pub(super) fn new<'e>(deliveries: impl IntoIterator<Item = &'e [IncomingEvent]>) -> Self {
        let (mut results, mut delivery_of) = (Vec::new(), HashMap::new());
        for (place, events) in deliveries.into_iter().enumerate() {
            results.push(Ok(Vec::new()));
            delivery_of.extend(events.iter().map(|incoming| (incoming.event.id, place)));
        }
        Self { results, delivery_of }
    }

    pub(super) fn record_stored(&mut self, stored: Vec<StoredEvent>) {
        for event in stored {
            if let Some(Ok(result)) = self.result_of(event.id) {
                result.push(event);
            }
        }
    }

    pub(super) fn record_failed(&mut self, events: &[IncomingEvent], reason: StoreError) {
        let reason = Arc::new(reason);
        for incoming in events {
            if let Some(result) = self.result_of(incoming.event.id) {
                *result = Err(AcceptError::NotStored(Arc::clone(&reason)));
            }
        }
    }

    /// The events of each delivery.
    pub(super) fn split(&self, events: Vec<IncomingEvent>) -> Vec<Vec<IncomingEvent>> {
        let mut deliveries: Vec<Vec<IncomingEvent>> = self.results.iter().map(|_| Vec::new()).collect();
        for incoming in events {
            let place = self.delivery_of.get(&incoming.event.id);
            if let Some(delivery) = place.and_then(|place| deliveries.get_mut(*place)) {
                delivery.push(incoming);
            }
        }
        deliveries
    }

    fn result_of(&mut self, event: EventId) -> Option<&mut StoreResult> {
        self.results.get_mut(*self.delivery_of.get(&event)?)
    }

    /// Whether an event is due for the relay.
    pub(super) fn has_due(&self) -> bool {
        let stored = self.results.iter().flatten().flatten();
        stored.into_iter().any(|event| event.status == EventStatus::Received)
    }
}
