use std::collections::{BTreeMap, HashMap};

use inbound::{QueueMessage, UnfinishedEvent};
use kernel::ids::{EventId, TenantId};

use super::tenant_batch::PendingEvent;

/// Events that are processed alone: those that may have killed a worker, and those whose batch took too long. Other events
/// are processed beside them.
///
/// When a worker dies, the broker delivers all of its messages again, so any of them may be the cause. An event of such a
/// message has its starts counted before it is started again. If its message comes back once more, it is quarantined.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    events: BTreeMap<EventId, PendingEvent>,
    /// Quarantined events of each tenant.
    counts: HashMap<Option<TenantId>, usize>,
    /// The turn in which each tenant was last served.
    served: HashMap<Option<TenantId>, u64>,
    turn: u64,
}

impl Quarantine {
    /// Whether the event was started after a redelivery, and came back.
    pub(super) const fn is_suspect(event: &UnfinishedEvent) -> bool {
        event.starts > 0
    }

    pub(super) fn add(&mut self, item: PendingEvent) {
        let (id, tenant) = (item.event.id, item.event.tenant);
        if let Some(known) = self.events.get_mut(&id) {
            return known.queue_messages.extend(item.queue_messages);
        }
        *self.counts.entry(tenant).or_default() += 1;
        self.events.insert(id, item);
    }

    /// Adds further messages of a quarantined event. Returns them if the event is not quarantined.
    pub(super) fn merge(&mut self, event: EventId, messages: Vec<QueueMessage>) -> Option<Vec<QueueMessage>> {
        let Some(known) = self.events.get_mut(&event) else { return Some(messages) };
        known.queue_messages.extend(messages);
        None
    }

    /// The event to process now. Tenants are served in turn, those with fewer events first; of a tenant, the event with the
    /// fewest starts: the others are more likely to kill the worker.
    pub(super) fn next(&mut self, is_free: impl Fn(Option<TenantId>) -> bool) -> Option<PendingEvent> {
        let order = |item: &PendingEvent| {
            let PendingEvent { event, .. } = item;
            let (served, count) = (self.served.get(&event.tenant), self.counts.get(&event.tenant));
            (
                served.copied().unwrap_or_default(),
                count.copied().unwrap_or_default(),
                event.tenant,
                event.starts,
                event.id,
            )
        };
        let free = self.events.values().filter(|item| is_free(item.event.tenant));
        let next = free.min_by_key(|item| order(item)).map(|item| item.event.id)?;
        let item = self.events.remove(&next)?;
        self.turn += 1;
        let tenant = item.event.tenant;
        let left = self.counts.get(&tenant).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            self.counts.remove(&tenant);
            self.served.remove(&tenant);
        } else {
            self.counts.insert(tenant, left);
            self.served.insert(tenant, self.turn);
        }
        Some(item)
    }
}
