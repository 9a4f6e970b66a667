use std::collections::VecDeque;

use flows::AcceptError;
use inbound::{IncomingEvent, StoredEvent};
use tokio::sync::oneshot;

use super::pending_delivery::{PendingDelivery, StoreResult};

/// A delivery that is stored alone, because it has many events or because its batch failed: in parts, each in a transaction of
/// its own. Its request gets the result of all of them. If it is interrupted, Meta delivers it again, and the events that were
/// stored are recognized by their keys.
#[derive(Debug)]
pub(super) struct LoneDelivery {
    /// Events that are not stored yet.
    rest: VecDeque<IncomingEvent>,
    stored: Vec<StoredEvent>,
    failure: Option<AcceptError>,
    result: oneshot::Sender<StoreResult>,
}

impl LoneDelivery {
    pub(super) fn of(delivery: PendingDelivery) -> Self {
        let PendingDelivery { events, result } = delivery;
        Self { rest: events.into(), stored: Vec::new(), failure: None, result }
    }

    /// The number of events that are not stored yet.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// Takes so many events, in the order of the delivery.
    pub(super) fn next_part(&mut self, events: usize) -> Vec<IncomingEvent> {
        self.rest.drain(..events.min(self.rest.len())).collect()
    }

    pub(super) fn record(&mut self, part: StoreResult) {
        match part {
            Ok(stored) => self.stored.extend(stored),
            Err(error) => self.failure = Some(error),
        }
    }

    /// Sends the request its result.
    pub(super) fn finish(self) {
        // A client that disconnected has dropped its receiver.
        let _ = self.result.send(self.failure.map_or(Ok(self.stored), Err));
    }
}
