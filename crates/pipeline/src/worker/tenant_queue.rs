use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use inbound::{QueueMessage, UnfinishedEvent};
use kernel::ids::{EventId, TenantId};

use super::quarantine::Quarantine;
use super::tenant_batch::{PendingEvent, TenantBatch};

/// Events of one transaction: rows that are committed together are locked together.
const MAX_BATCH: usize = 500;

/// The events that were received and not started, by tenant. At most one batch of a tenant is in flight. A batch takes all
/// waiting events of its tenant: the more events arrive, the fewer transactions there are per event.
#[derive(Debug, Default)]
pub(super) struct TenantQueue {
    /// Tenants with waiting events and no batch in flight, the longest waiting first.
    ready: VecDeque<Option<TenantId>>,
    waiting: HashMap<Option<TenantId>, BTreeMap<EventId, PendingEvent>>,
    in_flight: HashSet<Option<TenantId>>,
    quarantined: Quarantine,
    /// Whether a quarantined event is in flight.
    exclusive: bool,
}

impl TenantQueue {
    /// Adds received queue messages, with those of their events that are not finished. Returns the messages of finished events.
    pub(super) fn add(&mut self, messages: Vec<QueueMessage>, events: Vec<UnfinishedEvent>) -> Vec<QueueMessage> {
        let mut by_event: HashMap<EventId, Vec<QueueMessage>> = HashMap::new();
        for message in messages {
            by_event.entry(message.event).or_default().push(message);
        }
        for event in events {
            let Some(messages) = by_event.remove(&event.id) else { continue };
            self.insert(PendingEvent { event, queue_messages: messages });
        }
        by_event.into_values().flatten().collect()
    }

    fn insert(&mut self, mut item: PendingEvent) {
        if Quarantine::is_suspect(&item) {
            return self.quarantined.add(item);
        }
        let tenant = item.event.tenant;
        let waiting = self.waiting.entry(tenant).or_default();
        if waiting.is_empty() && !self.in_flight.contains(&tenant) {
            self.ready.push_back(tenant);
        }
        if let Some(known) = waiting.remove(&item.event.id) {
            item.queue_messages.extend(known.queue_messages);
        }
        waiting.insert(item.event.id, item);
    }

    /// The batch to start now, while `running` others are in flight. Quarantined events come first: one alone, once nothing
    /// else is running.
    pub(super) fn next(&mut self, running: usize) -> Option<TenantBatch> {
        if self.exclusive || (running > 0 && !self.quarantined.is_empty()) {
            return None;
        }
        if let Some(item) = self.quarantined.next() {
            self.exclusive = true;
            return Some(TenantBatch::of_one(item));
        }
        let tenant = self.ready.pop_front()?;
        self.in_flight.insert(tenant);
        let mut items = self.waiting.remove(&tenant)?;
        if let Some((&rest, _)) = items.iter().nth(MAX_BATCH) {
            self.waiting.insert(tenant, items.split_off(&rest));
        }
        let (events, messages): (Vec<_>, Vec<_>) = items.into_values().map(|it| (it.event, it.queue_messages)).unzip();
        Some(TenantBatch { tenant, events, queue_messages: messages.into_iter().flatten().collect() })
    }

    /// A batch of that tenant is finished.
    pub(super) fn finish(&mut self, tenant: Option<TenantId>) {
        self.exclusive = false;
        if self.in_flight.remove(&tenant) && self.waiting.contains_key(&tenant) {
            self.ready.push_back(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use inbound::EventStatus;
    use whatsapp::EventKind;

    use super::*;

    fn tenant(number: usize) -> Option<TenantId> {
        format!("00000000-0000-7000-8000-{number:012}").parse().ok()
    }

    fn event(number: usize, of: usize, starts: i32) -> UnfinishedEvent {
        UnfinishedEvent {
            id: format!("00000000-0000-7000-8000-{number:012}").parse().unwrap(),
            tenant: tenant(of),
            account: None,
            kind: EventKind::unparsed(),
            status: EventStatus::Received,
            attempts: 0,
            starts,
            traceparent: None,
            received_at: chrono::DateTime::UNIX_EPOCH,
            payload: Vec::new(),
        }
    }

    fn message(event: &UnfinishedEvent, tag: u64, redelivered: bool) -> QueueMessage {
        QueueMessage { event: event.id, redelivered, trace: None, tag }
    }

    fn add(queue: &mut TenantQueue, event: &UnfinishedEvent, redelivered: bool) {
        let finished = queue.add(vec![message(event, 1, redelivered)], vec![event.clone()]);
        assert!(finished.is_empty());
    }

    fn numbers(batch: &TenantBatch) -> Vec<usize> {
        batch.events.iter().map(|event| event.id.to_string()[24..].parse().unwrap()).collect()
    }

    #[test]
    fn tenant_has_one_batch_in_flight_in_order_of_ids() {
        let mut queue = TenantQueue::default();
        for id in [3, 1] {
            add(&mut queue, &event(id, 7, 0), false);
        }
        let batch = queue.next(0).unwrap();
        assert_eq!(numbers(&batch), [1, 3]);
        add(&mut queue, &event(2, 7, 0), false);
        add(&mut queue, &event(4, 8, 0), false);
        assert_eq!(numbers(&queue.next(1).unwrap()), [4], "the other tenant is in flight");
        assert!(queue.next(2).is_none());
        queue.finish(batch.tenant);
        assert_eq!(numbers(&queue.next(1).unwrap()), [2]);
    }

    #[test]
    fn longest_waiting_tenant_is_next_and_batches_are_bounded() {
        let mut queue = TenantQueue::default();
        let many = MAX_BATCH + 1;
        for id in 0..many {
            add(&mut queue, &event(id, 7, 0), false);
        }
        add(&mut queue, &event(many, 8, 0), false);
        let first = queue.next(0).unwrap();
        assert_eq!(first.events.len(), MAX_BATCH);
        queue.finish(first.tenant);
        assert_eq!(numbers(&queue.next(0).unwrap()), [many]);
        assert_eq!(numbers(&queue.next(1).unwrap()), [many - 1]);
        assert!(queue.next(2).is_none());
    }

    #[test]
    fn duplicate_messages_are_processed_once_and_all_settled() {
        let mut queue = TenantQueue::default();
        let event = event(1, 7, 0);
        queue.add(vec![message(&event, 1, false), message(&event, 2, false)], vec![event.clone()]);
        queue.add(vec![message(&event, 3, false)], vec![event.clone()]);
        let batch = queue.next(0).unwrap();
        assert_eq!(numbers(&batch), [1]);
        let mut tags: Vec<u64> = batch.queue_messages.iter().map(|message| message.tag).collect();
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3]);
        let finished = queue.add(vec![message(&event, 4, false)], Vec::new());
        assert_eq!(finished.len(), 1, "the message of a finished event is returned");
    }

    #[test]
    fn events_redelivered_twice_are_processed_alone() {
        let mut queue = TenantQueue::default();
        for (id, of, starts) in [(1, 7, 0), (2, 7, 0), (3, 7, 2), (4, 8, 1)] {
            add(&mut queue, &event(id, of, starts), true);
        }
        assert!(queue.next(1).is_none(), "a quarantined event waits until nothing is in flight");
        for (quarantined, of) in [(4, 8), (3, 7)] {
            let batch = queue.next(0).unwrap();
            assert_eq!(numbers(&batch), [quarantined], "the event with the most starts is last");
            assert!(queue.next(0).is_none() && queue.next(1).is_none(), "nothing is started beside it");
            queue.finish(tenant(of));
        }
        let batch = queue.next(0).unwrap();
        assert_eq!(numbers(&batch), [1, 2]);
        assert!(batch.is_redelivered());
    }
}
