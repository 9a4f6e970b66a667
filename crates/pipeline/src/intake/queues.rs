use std::sync::{Mutex, PoisonError};

use flows::AcceptError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use whatsapp::MetaAppKey;

use super::lone_delivery::LoneDelivery;
use super::pending_delivery::PendingDelivery;
use crate::turn_queue::TurnQueue;

/// The capacity for deliveries that are stored together. One app can use half of it.
const CAPACITY: usize = 8_192;
/// Events that cost as much as a delivery.
const EVENTS_PER_COST: usize = 100;
/// The capacity for deliveries that are stored alone, in events.
const LONE_CAPACITY: usize = 200_000;
/// A delivery with more events is stored alone. Meta sends at most 1,000 updates in one.
const MAX_TOGETHER: usize = 2_000;

/// The deliveries that wait.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) together: Waiting<PendingDelivery>,
    pub(super) lone: Waiting<LoneDelivery>,
}

/// A queue that one task waits for at a time.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    queue: TurnQueue<MetaAppKey, T>,
    is_closed: bool,
}

/// What a delivery takes of the capacity.
pub(super) trait Cost {
    fn cost(&self) -> usize;
}

impl Cost for PendingDelivery {
    fn cost(&self) -> usize {
        1 + self.events.len() / EVENTS_PER_COST
    }
}

impl Cost for LoneDelivery {
    fn cost(&self) -> usize {
        self.len()
    }
}

impl Queues {
    pub(super) fn new() -> Self {
        Self { together: Waiting::new(CAPACITY), lone: Waiting::new(LONE_CAPACITY) }
    }

    pub(super) fn offer(&self, app: &MetaAppKey, delivery: PendingDelivery) -> Result<(), AcceptError> {
        if delivery.events.len() > MAX_TOGETHER {
            self.lone.offer(app, LoneDelivery::of(delivery))
        } else {
            self.together.offer(app, delivery)
        }
    }
}

impl<T: Cost> Waiting<T> {
    fn new(capacity: usize) -> Self {
        let state = State { queue: TurnQueue::new(capacity), is_closed: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    fn with<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn offer(&self, app: &MetaAppKey, delivery: T) -> Result<(), AcceptError> {
        let cost = delivery.cost();
        self.with(|state| {
            if state.is_closed {
                return Err(AcceptError::CutOff);
            }
            state.queue.offer(app, delivery, cost).map_err(|_| AcceptError::Busy)
        })?;
        self.changed.notify_one();
        Ok(())
    }

    /// Adds a delivery that was accepted before.
    pub(super) fn push(&self, app: &MetaAppKey, delivery: T) {
        let cost = delivery.cost();
        self.with(|state| state.queue.push(app, delivery, cost));
        self.changed.notify_one();
    }

    pub(super) fn try_next(&self) -> Option<(MetaAppKey, T)> {
        self.with(|state| state.queue.pop())
    }

    /// Waits for a delivery. When `stop` is cancelled, the queue is closed; `None` when it is also empty.
    pub(super) async fn next(&self, stop: &CancellationToken) -> Option<(MetaAppKey, T)> {
        loop {
            if stop.is_cancelled() {
                self.with(|state| state.is_closed = true);
            }
            if let Some(next) = self.try_next() {
                return Some(next);
            }
            if stop.is_cancelled() {
                return None;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
