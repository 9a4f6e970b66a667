//! What will happen at a time: statuses, and decisions about templates.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::world::status::DueStatus;

#[derive(Debug)]
pub(crate) enum Event {
    Status(DueStatus),
    /// A new template is approved.
    TemplateReviewed {
        template_id: String,
    },
}

#[derive(Debug)]
struct Due {
    at_ms: i64,
    /// Of events at one time, the one that was added first comes first.
    order: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Schedule {
    heap: Mutex<(u64, BinaryHeap<Reverse<Due>>)>,
    changed: Notify,
}

impl Schedule {
    pub(crate) fn add(&self, events: impl IntoIterator<Item = (i64, Event)>) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let before = heap.1.peek().map(|next| next.0.at_ms);
        for (at_ms, event) in events {
            let order = heap.0;
            heap.0 += 1;
            heap.1.push(Reverse(Due { at_ms, order, event }));
        }
        let after = heap.1.peek().map(|next| next.0.at_ms);
        drop(heap);
        if after != before {
            self.changed.notify_one();
        }
    }

    /// Returns when the next event may be another one.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The clock was moved.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(crate) fn clear(&self) {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner).1.len()
    }

    /// Takes what is due, and says when the next event is.
    pub(crate) fn take_due(&self, now_ms: i64) -> (Vec<Event>, Option<i64>) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        while heap.1.peek().is_some_and(|next| next.0.at_ms <= now_ms) {
            due.extend(heap.1.pop().map(|next| next.0.event));
        }
        (due, heap.1.peek().map(|next| next.0.at_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Event {
        Event::TemplateReviewed { template_id: id.to_owned() }
    }

    #[test]
    fn due_events_come_by_time_and_then_as_added() {
        let schedule = Schedule::default();
        schedule.add([(20, event("c")), (10, event("a")), (10, event("b")), (30, event("d"))]);
        let (due, next) = schedule.take_due(20);
        let ids = due.iter().map(|event| match event {
            Event::TemplateReviewed { template_id } => template_id.as_str(),
            Event::Status(_) => "",
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((next, schedule.len()), (Some(30), 1));
    }
}
