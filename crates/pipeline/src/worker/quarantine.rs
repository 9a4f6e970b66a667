use inbound::UnfinishedEvent;

use super::tenant_batch::PendingEvent;

/// Recorded starts after which an event is poison. Its first start is not recorded, unless another event of its batch was
/// redelivered. So an event that kills each worker has killed five when it becomes a dead letter: the one that received it
/// first, one after the first recorded start, and three that processed it alone.
const MAX_STARTS: i32 = 4;

/// Events that may have killed a worker. They are processed one at a time, with nothing beside them.
///
/// When a worker dies, the broker delivers all of its messages again, so any of them may be the cause. An event of such a
/// message has its starts counted before it is started again. If its message comes back once more, it is quarantined.
#[derive(Debug, Default)]
pub(super) struct Quarantine(Vec<PendingEvent>);

impl Quarantine {
    /// Whether the event was started after a redelivery, and was redelivered again.
    pub(super) fn is_suspect(item: &PendingEvent) -> bool {
        item.event.starts > 0 && item.is_redelivered()
    }

    /// Whether the event was started [`MAX_STARTS`] times without an outcome: its workers die. The batch processor makes it a
    /// dead letter of class `poison`.
    pub(super) const fn is_poison(event: &UnfinishedEvent) -> bool {
        event.starts >= MAX_STARTS
    }

    pub(super) fn add(&mut self, item: PendingEvent) {
        self.0.push(item);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The event with the fewest starts: the others are more likely to kill the worker.
    pub(super) fn next(&mut self) -> Option<PendingEvent> {
        let next = (0..self.0.len()).min_by_key(|&place| (self.0[place].event.starts, self.0[place].event.id))?;
        Some(self.0.swap_remove(next))
    }
}
