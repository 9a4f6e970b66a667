use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use inbound::{Delivery, QueuedEvent};
use kernel::ids::{EventId, TenantId};

/// Events of one transaction: what is committed together is locked together.
const MOST: usize = 500;

/// What a worker was handed and has not begun. Whoever's turn it is gets all of theirs done at once: however many tenants
/// share a worker, the more comes in, the fewer transactions there are for each event.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Who has something here and nothing at work, the longest waiting first.
    turns: VecDeque<Option<TenantId>>,
    waiting: HashMap<Option<TenantId>, BTreeMap<EventId, Item>>,
    at_work: HashSet<Option<TenantId>>,
    /// What may have killed a worker: done one by one, and nothing beside it.
    suspects: Vec<Item>,
    alone: bool,
}

/// An event, and the deliveries that told of it.
#[derive(Debug)]
struct Item {
    event: QueuedEvent,
    deliveries: Vec<Delivery>,
}

/// Events of one tenant that are processed together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) tenant: Option<TenantId>,
    /// In their order.
    pub(super) events: Vec<QueuedEvent>,
    pub(super) deliveries: Vec<Delivery>,
}

impl Group {
    /// Whether some of it was handed out before, and nobody heard of it again.
    pub(super) fn came_back(&self) -> bool {
        self.deliveries.iter().any(|delivery| delivery.redelivered)
    }
}

impl Desk {
    /// Takes in what was delivered. Deliveries of events that wait for nothing are given back.
    pub(super) fn take_in(&mut self, deliveries: Vec<Delivery>, events: Vec<QueuedEvent>) -> Vec<Delivery> {
        let mut of: HashMap<EventId, Vec<Delivery>> = HashMap::new();
        for delivery in deliveries {
            of.entry(delivery.event).or_default().push(delivery);
        }
        for event in events {
            let Some(deliveries) = of.remove(&event.id) else { continue };
            self.put(Item { event, deliveries });
        }
        of.into_values().flatten().collect()
    }

    fn put(&mut self, mut item: Item) {
        // A crash returns everything that was handed out, so each of it may have been the cause. What was begun once more after
        // that, and came back again, is a suspect.
        if item.event.starts > 0 && item.deliveries.iter().any(|delivery| delivery.redelivered) {
            return self.suspects.push(item);
        }
        let tenant = item.event.tenant;
        let waiting = self.waiting.entry(tenant).or_default();
        if waiting.is_empty() && !self.at_work.contains(&tenant) {
            self.turns.push_back(tenant);
        }
        if let Some(known) = waiting.remove(&item.event.id) {
            item.deliveries.extend(known.deliveries);
        }
        waiting.insert(item.event.id, item);
    }

    /// What to begin now, beside so many groups.
    pub(super) fn next(&mut self, beside: usize) -> Option<Group> {
        if self.alone {
            return None;
        }
        // The one that was begun most often comes last: it is the likeliest to end everything.
        let suspect = (0..self.suspects.len())
            .min_by_key(|&place| (self.suspects[place].event.starts, self.suspects[place].event.id));
        if let Some(place) = suspect {
            if beside > 0 {
                return None;
            }
            self.alone = true;
            let Item { event, deliveries } = self.suspects.swap_remove(place);
            return Some(Group { tenant: event.tenant, events: vec![event], deliveries });
        }
        let tenant = self.turns.pop_front()?;
        self.at_work.insert(tenant);
        let mut items = self.waiting.remove(&tenant)?;
        if let Some((&rest, _)) = items.iter().nth(MOST) {
            self.waiting.insert(tenant, items.split_off(&rest));
        }
        let (events, deliveries): (Vec<_>, Vec<_>) = items.into_values().map(|it| (it.event, it.deliveries)).unzip();
        Some(Group { tenant, events, deliveries: deliveries.into_iter().flatten().collect() })
    }

    /// A group of that tenant's is done.
    pub(super) fn done(&mut self, tenant: Option<TenantId>) {
        self.alone = false;
        if self.at_work.remove(&tenant) && self.waiting.contains_key(&tenant) {
            self.turns.push_back(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use inbound::{EventKind, EventStatus};

    use super::*;

    fn tenant(number: usize) -> Option<TenantId> {
        format!("00000000-0000-7000-8000-{number:012}").parse().ok()
    }

    fn event(number: usize, of: usize, starts: i32) -> QueuedEvent {
        QueuedEvent {
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

    fn delivery(event: &QueuedEvent, tag: u64, redelivered: bool) -> Delivery {
        Delivery { event: event.id, redelivered, trace: None, tag }
    }

    /// Takes in an event that is delivered for the first time, or came back.
    fn put(desk: &mut Desk, event: &QueuedEvent, redelivered: bool) {
        let left = desk.take_in(vec![delivery(event, 1, redelivered)], vec![event.clone()]);
        assert!(left.is_empty());
    }

    fn numbers(group: &Group) -> Vec<usize> {
        group.events.iter().map(|event| event.id.to_string()[24..].parse().unwrap()).collect()
    }

    #[test]
    fn a_tenants_events_are_done_together_in_their_order_and_never_by_two() {
        let mut desk = Desk::default();
        for id in [3, 1] {
            put(&mut desk, &event(id, 7, 0), false);
        }
        let group = desk.next(0).unwrap();
        assert_eq!(numbers(&group), [1, 3]);
        put(&mut desk, &event(2, 7, 0), false);
        put(&mut desk, &event(4, 8, 0), false);
        assert_eq!(numbers(&desk.next(1).unwrap()), [4], "the other's are at work");
        assert!(desk.next(2).is_none());
        desk.done(group.tenant);
        assert_eq!(numbers(&desk.next(1).unwrap()), [2]);
    }

    #[test]
    fn whoever_waits_longest_is_next_and_nobody_takes_all() {
        let mut desk = Desk::default();
        let many = MOST + 1;
        for id in 0..many {
            put(&mut desk, &event(id, 7, 0), false);
        }
        put(&mut desk, &event(many, 8, 0), false);
        let first = desk.next(0).unwrap();
        assert_eq!(first.events.len(), MOST);
        desk.done(first.tenant);
        assert_eq!(numbers(&desk.next(0).unwrap()), [many]);
        assert_eq!(numbers(&desk.next(1).unwrap()), [many - 1]);
        assert!(desk.next(2).is_none());
    }

    #[test]
    fn what_is_delivered_twice_is_done_once_and_settled_twice() {
        let mut desk = Desk::default();
        let event = event(1, 7, 0);
        desk.take_in(vec![delivery(&event, 1, false), delivery(&event, 2, false)], vec![event.clone()]);
        desk.take_in(vec![delivery(&event, 3, false)], vec![event.clone()]);
        let group = desk.next(0).unwrap();
        assert_eq!(numbers(&group), [1]);
        let mut tags: Vec<u64> = group.deliveries.iter().map(|delivery| delivery.tag).collect();
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3]);
        let left = desk.take_in(vec![delivery(&event, 4, false)], Vec::new());
        assert_eq!(left.len(), 1, "what waits for nothing is given back");
    }

    #[test]
    fn what_came_back_is_done_together_and_what_did_so_again_alone() {
        let mut desk = Desk::default();
        for (id, of, starts) in [(1, 7, 0), (2, 7, 0), (3, 7, 2), (4, 8, 1)] {
            put(&mut desk, &event(id, of, starts), true);
        }
        assert!(desk.next(1).is_none(), "a suspect waits until nothing else is at work");
        for (suspect, of) in [(4, 8), (3, 7)] {
            let group = desk.next(0).unwrap();
            assert_eq!(numbers(&group), [suspect], "the one that was begun most often comes last");
            assert!(desk.next(0).is_none() && desk.next(1).is_none(), "and nothing is begun beside it");
            desk.done(tenant(of));
        }
        let group = desk.next(0).unwrap();
        assert_eq!(numbers(&group), [1, 2]);
        assert!(group.came_back());
    }
}
