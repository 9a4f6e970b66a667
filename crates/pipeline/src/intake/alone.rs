//! Deliveries that are stored alone: those with many events, and those whose batch failed.

use flows::AcceptError;
use inbound::{IncomingEvent, StoredEvent};
use tokio::sync::oneshot;
use whatsapp::MetaAppKey;

use super::batch_report::BatchReport;
use super::{Flusher, MAX_EVENTS_PER_STATEMENT, PendingDelivery, StoreResult};

/// A delivery that is stored in parts, each in a transaction of its own. Its request gets the result of all of them. If it is
/// interrupted, Meta delivers it again, and the events that were stored are recognized by their keys.
#[derive(Debug)]
pub(super) struct LoneDelivery {
    /// Events that are not stored yet.
    rest: Vec<IncomingEvent>,
    stored: Vec<StoredEvent>,
    failure: Option<AcceptError>,
    result: oneshot::Sender<StoreResult>,
}

impl LoneDelivery {
    pub(super) fn of(delivery: PendingDelivery) -> Self {
        let PendingDelivery { events: rest, result } = delivery;
        Self { rest, stored: Vec::new(), failure: None, result }
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    fn next_part(&mut self) -> Vec<IncomingEvent> {
        let left = self.rest.len().saturating_sub(MAX_EVENTS_PER_STATEMENT);
        let mut part = self.rest.split_off(left);
        part.sort_by(|a, b| a.event.dedupe_key.cmp(&b.event.dedupe_key));
        part
    }
}

impl Flusher {
    /// Stores the next part of each delivery in turn, so that a small one does not wait for all parts of a large one.
    pub(super) async fn store_alone(&self, app: MetaAppKey, mut delivery: LoneDelivery) {
        let part = delivery.next_part();
        let mut report = BatchReport::new([part.as_slice()]);
        let is_available = self.store(&part, &mut report).await;
        if report.has_due() {
            self.wake_relay.notify_one();
        }
        match report.results.pop() {
            Some(Ok(stored)) => delivery.stored.extend(stored),
            Some(Err(error)) => delivery.failure = Some(error),
            None => {}
        }
        if is_available && !delivery.rest.is_empty() {
            self.queues.lone.push(&app, delivery);
            return;
        }
        let LoneDelivery { stored, failure, result, .. } = delivery;
        // A client that disconnected has dropped its receiver.
        let _ = result.send(failure.map_or(Ok(stored), Err));
    }
}
