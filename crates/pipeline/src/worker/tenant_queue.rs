use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use inbound::{QueueMessage, UnfinishedEvent};
use kernel::ids::{EventId, TenantId};
use tokio::time::Instant;

use super::quarantine::Quarantine;
use super::tenant_batch::{PendingEvent, TenantBatch};

/// Events of one transaction: rows that are committed together are locked together.
const MAX_BATCH: usize = 500;
/// Bytes of the payloads of a batch. Processing needs several times as much memory.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Bytes of the payloads of all batches in flight. One event is always allowed.
const MAX_BYTES_IN_FLIGHT: usize = 16 << 20;
/// A batch that takes longer leaves its place to others, so that slow batches do not hold up other tenants.
const SLOW_AFTER: Duration = Duration::from_secs(1);
/// Batches in flight at most, with the slow ones. Each holds a connection.
const MAX_IN_FLIGHT: usize = 5;
/// Quarantined events in flight at most, with the slow ones.
const MAX_ALONE: usize = 2;

/// The events that were received and not started, by tenant. At most one batch of a tenant is in flight, and tenants are
/// served in turn. A batch takes all waiting events of its tenant: the more events arrive, the fewer transactions there are
/// per event.
#[derive(Debug)]
pub(super) struct TenantQueue {
    /// Batches in flight at most, without the slow ones.
    concurrency: usize,
    /// Tenants with waiting events and no batch of them in flight, the longest waiting first.
    ready: VecDeque<Option<TenantId>>,
    waiting: HashMap<Option<TenantId>, BTreeMap<EventId, PendingEvent>>,
    in_flight: HashMap<Option<TenantId>, InFlight>,
    quarantine: Quarantine,
    /// Tenants whose last batch was a quarantined event: others of their events are next.
    served_alone: HashSet<Option<TenantId>>,
}

/// A batch that was started.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    started: Instant,
    bytes: usize,
    is_quarantined: bool,
}

impl InFlight {
    fn is_slow(&self, now: Instant) -> bool {
        now.duration_since(self.started) >= SLOW_AFTER
    }
}

impl TenantQueue {
    pub(super) fn new(concurrency: usize) -> Self {
        Self {
            concurrency,
            ready: VecDeque::new(),
            waiting: HashMap::new(),
            in_flight: HashMap::new(),
            quarantine: Quarantine::default(),
            served_alone: HashSet::new(),
        }
    }

    /// Adds received queue messages, with those of their events that are not finished. Returns the messages of finished events.
    pub(super) fn add(&mut self, messages: Vec<QueueMessage>, events: Vec<UnfinishedEvent>) -> Vec<QueueMessage> {
        let mut by_event: HashMap<EventId, Vec<QueueMessage>> = HashMap::new();
        for message in messages {
            by_event.entry(message.event).or_default().push(message);
        }
        for event in events {
            let Some(messages) = by_event.remove(&event.id) else { continue };
            let Some(messages) = self.quarantine.merge(event.id, messages) else { continue };
            self.insert(PendingEvent { event, queue_messages: messages });
        }
        by_event.into_values().flatten().collect()
    }

    fn insert(&mut self, mut item: PendingEvent) {
        if Quarantine::is_suspect(&item.event) {
            return self.quarantine.add(item);
        }
        let tenant = item.event.tenant;
        let waiting = self.waiting.entry(tenant).or_default();
        if waiting.is_empty() && self.in_flight.get(&tenant).is_none_or(|batch| batch.is_quarantined) {
            self.ready.push_back(tenant);
        }
        if let Some(known) = waiting.remove(&item.event.id) {
            item.queue_messages.extend(known.queue_messages);
        }
        waiting.insert(item.event.id, item);
    }

    /// An event whose batch took too long is processed alone.
    pub(super) fn isolate(&mut self, event: UnfinishedEvent, queue_messages: Vec<QueueMessage>) {
        self.quarantine.add(PendingEvent { event, queue_messages });
    }

    /// The batch to start now, if there is a place for one.
    pub(super) fn next(&mut self, now: Instant) -> Option<TenantBatch> {
        let (batch, is_quarantined) = match self.next_quarantined(now) {
            Some(batch) => (batch, true),
            None => (self.next_waiting(now)?, false),
        };
        let bytes = batch.events.iter().map(|event| event.size).sum();
        self.in_flight.insert(batch.tenant, InFlight { started: now, bytes, is_quarantined });
        Some(batch)
    }

    /// Whether another batch may start beside the ones in flight.
    fn has_place(&self, now: Instant, is_quarantined: bool) -> bool {
        let (fast_limit, limit) = if is_quarantined { (1, MAX_ALONE) } else { (self.concurrency, MAX_IN_FLIGHT) };
        let alike = || self.in_flight.values().filter(|batch| batch.is_quarantined == is_quarantined);
        alike().count() < limit && alike().filter(|batch| !batch.is_slow(now)).count() < fast_limit
    }

    /// Bytes that may be added to those in flight.
    fn free_bytes(&self) -> usize {
        if self.in_flight.is_empty() {
            return usize::MAX;
        }
        MAX_BYTES_IN_FLIGHT.saturating_sub(self.in_flight.values().map(|batch| batch.bytes).sum())
    }

    fn next_quarantined(&mut self, now: Instant) -> Option<TenantBatch> {
        // Its size is not known yet, so none is taken when another might not fit.
        if !self.has_place(now, true) || self.free_bytes() < MAX_BATCH_BYTES {
            return None;
        }
        let Self { in_flight, waiting, served_alone, .. } = self;
        let is_free = |tenant| {
            let is_next_with_others = served_alone.contains(&tenant) && waiting.contains_key(&tenant);
            !in_flight.contains_key(&tenant) && !is_next_with_others
        };
        let item = self.quarantine.next(is_free)?;
        let tenant = item.event.tenant;
        self.served_alone.insert(tenant);
        Some(TenantBatch::of(tenant, [item]))
    }

    fn next_waiting(&mut self, now: Instant) -> Option<TenantBatch> {
        if !self.has_place(now, false) {
            return None;
        }
        let free = self.free_bytes();
        let place = self.ready.iter().position(|tenant| !self.in_flight.contains_key(tenant))?;
        let tenant = *self.ready.get(place)?;
        let items = self.waiting.get_mut(&tenant)?;
        let (mut count, mut bytes) = (0, 0_usize);
        for PendingEvent { event, .. } in items.values().take(MAX_BATCH) {
            let sum = bytes.saturating_add(event.size);
            if sum > free || (count > 0 && sum > MAX_BATCH_BYTES) {
                break;
            }
            (count, bytes) = (count + 1, sum);
        }
        if count == 0 {
            // It keeps its turn until its first event fits.
            return None;
        }
        self.ready.remove(place);
        let rest = items.keys().nth(count).copied().map(|first| items.split_off(&first));
        let items = match rest {
            Some(rest) => std::mem::replace(items, rest),
            None => self.waiting.remove(&tenant)?,
        };
        self.served_alone.remove(&tenant);
        Some(TenantBatch::of(tenant, items.into_values()))
    }

    /// When a batch in flight becomes slow, so that another may start.
    pub(super) fn next_place(&self, now: Instant) -> Option<Instant> {
        let fast = self.in_flight.values().filter(|batch| !batch.is_slow(now));
        fast.map(|batch| batch.started + SLOW_AFTER).min()
    }

    /// The batch of that tenant is finished.
    pub(super) fn finish(&mut self, tenant: Option<TenantId>) {
        let finished = self.in_flight.remove(&tenant);
        if !self.waiting.contains_key(&tenant) {
            self.served_alone.remove(&tenant);
        }
        if finished.is_some_and(|batch| !batch.is_quarantined) && self.waiting.contains_key(&tenant) {
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
            of_disconnected_account: false,
            id: format!("00000000-0000-7000-8000-{number:012}").parse().unwrap(),
            tenant: tenant(of),
            account: None,
            kind: EventKind::unparsed(),
            status: EventStatus::Received,
            attempts: 0,
            starts,
            traceparent: None,
            received_at: chrono::DateTime::UNIX_EPOCH,
            arrival: kernel::Arrival::ZERO,
            size: 100,
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

    fn queue() -> (TenantQueue, Instant) {
        (TenantQueue::new(2), Instant::now())
    }

    #[test]
    fn tenant_has_one_batch_in_flight_in_order_of_ids() {
        let (mut queue, now) = queue();
        for id in [3, 1] {
            add(&mut queue, &event(id, 7, 0), false);
        }
        let batch = queue.next(now).unwrap();
        assert_eq!(numbers(&batch), [1, 3]);
        add(&mut queue, &event(2, 7, 0), false);
        add(&mut queue, &event(4, 8, 0), false);
        assert_eq!(numbers(&queue.next(now).unwrap()), [4], "the other tenant is in flight");
        assert!(queue.next(now).is_none());
        queue.finish(batch.tenant);
        assert_eq!(numbers(&queue.next(now).unwrap()), [2]);
    }

    #[test]
    fn longest_waiting_tenant_is_next_and_batches_are_bounded() {
        let (mut queue, now) = queue();
        let many = MAX_BATCH + 1;
        for id in 0..many {
            add(&mut queue, &event(id, 7, 0), false);
        }
        add(&mut queue, &event(many, 8, 0), false);
        let first = queue.next(now).unwrap();
        assert_eq!(first.events.len(), MAX_BATCH);
        queue.finish(first.tenant);
        assert_eq!(numbers(&queue.next(now).unwrap()), [many]);
        assert_eq!(numbers(&queue.next(now).unwrap()), [many - 1]);
        assert!(queue.next(now).is_none());
    }

    #[test]
    fn bytes_of_a_batch_and_of_all_in_flight_are_bounded() {
        let (mut queue, now) = queue();
        let mut large = |id, of, bytes| add(&mut queue, &UnfinishedEvent { size: bytes, ..event(id, of, 0) }, false);
        for id in 1..=5 {
            large(id, 7, MAX_BATCH_BYTES / 2);
        }
        large(6, 8, MAX_BYTES_IN_FLIGHT - MAX_BATCH_BYTES + 1);
        assert_eq!(numbers(&queue.next(now).unwrap()), [1, 2]);
        assert!(queue.next(now).is_none(), "the other tenant's event does not fit");
        queue.finish(tenant(7));
        // It has kept its turn; alone, an event of any size is processed.
        assert_eq!(numbers(&queue.next(now).unwrap()), [6]);
        assert_eq!(numbers(&queue.next(now).unwrap()), [3]);
        queue.finish(tenant(8));
        queue.finish(tenant(7));
        assert_eq!(numbers(&queue.next(now).unwrap()), [4, 5]);
    }

    #[test]
    fn slow_batches_leave_their_places_to_other_tenants() {
        let (mut queue, now) = queue();
        for of in 0..9 {
            add(&mut queue, &event(of, of, 0), false);
        }
        assert!(queue.next(now).is_some() && queue.next(now).is_some() && queue.next(now).is_none());
        let later = queue.next_place(now).unwrap();
        assert_eq!(later, now + SLOW_AFTER);
        assert!(queue.next(later).is_some() && queue.next(later).is_some() && queue.next(later).is_none());
        // With the slow ones there are not more than the limit.
        let much_later = later + SLOW_AFTER;
        assert!(queue.next(much_later).is_some() && queue.next(much_later).is_none());
        assert_eq!(queue.in_flight.len(), MAX_IN_FLIGHT);
    }

    #[test]
    fn duplicate_messages_are_processed_once_and_all_settled() {
        let (mut queue, now) = queue();
        let event = event(1, 7, 0);
        queue.add(vec![message(&event, 1, false), message(&event, 2, false)], vec![event.clone()]);
        queue.add(vec![message(&event, 3, false)], vec![event.clone()]);
        let batch = queue.next(now).unwrap();
        assert_eq!(numbers(&batch), [1]);
        let mut tags: Vec<u64> = batch.queue_messages.iter().map(|message| message.tag).collect();
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3]);
        let finished = queue.add(vec![message(&event, 4, false)], Vec::new());
        assert_eq!(finished.len(), 1, "the message of a finished event is returned");
    }

    #[test]
    fn events_redelivered_twice_are_processed_alone() {
        let (mut queue, now) = queue();
        for (id, of, starts) in [(1, 7, 0), (2, 7, 0), (3, 7, 2), (4, 8, 1), (5, 8, 3), (6, 9, 0)] {
            add(&mut queue, &event(id, of, starts), true);
        }
        // Of the tenant with the fewest quarantined events. The other tenants' events are processed beside it.
        assert_eq!(numbers(&queue.next(now).unwrap()), [3]);
        assert_eq!(numbers(&queue.next(now).unwrap()), [6]);
        assert!(queue.next(now).is_none(), "the batch of the same tenant waits");
        queue.finish(tenant(7));
        assert_eq!(numbers(&queue.next(now).unwrap()), [4], "the event with fewer starts is first");
        let batch = queue.next(now).unwrap();
        assert_eq!(numbers(&batch), [1, 2]);
        assert!(batch.may_have_killed());
        queue.finish(tenant(8));
        assert_eq!(numbers(&queue.next(now).unwrap()), [5]);
    }

    #[test]
    fn events_of_a_slow_batch_are_processed_alone_in_turn() {
        let (mut queue, now) = queue();
        for (id, of) in [(1, 7), (2, 7), (3, 8)] {
            let event = event(id, of, 0);
            let messages = vec![message(&event, 1, false)];
            queue.isolate(event, messages);
        }
        add(&mut queue, &event(4, 7, 0), false);
        // Another message of a quarantined event.
        add(&mut queue, &event(1, 7, 0), false);
        let mut served = Vec::new();
        while let Some(batch) = queue.next(now) {
            served.push(numbers(&batch));
            queue.finish(batch.tenant);
        }
        assert_eq!(served, [[3], [1], [4], [2]], "neither tenant nor its other events wait for all of them");
    }
}
