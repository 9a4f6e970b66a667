//! The queue of updates for each receiver of webhooks.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, oneshot};

use super::deliveries::Deliveries;
use super::delivery::{Delivery, Target};
use super::payload::Update;
use crate::clock::Clock;

/// Meta says up to 1000; what is due at one time goes into one request, up to this many.
const MAX_UPDATES: usize = 100;
/// Requests at one time to one receiver.
const MAX_REQUESTS: usize = 8;

/// Where webhooks go, and who signs them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    pub(crate) url: String,
    pub(crate) app_secret: String,
}

/// An update in the queue, and who waits for its delivery.
#[derive(Debug)]
struct Queued {
    update: Update,
    delivered: Option<oneshot::Sender<()>>,
}

#[derive(Debug)]
struct Receiver {
    target: Arc<Target>,
    queue: Mutex<VecDeque<Queued>>,
    changed: Notify,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    receivers: Mutex<HashMap<Destination, Arc<Receiver>>>,
    client: reqwest::Client,
    runtime: Handle,
    clock: Arc<Clock>,
    pub(crate) deliveries: Arc<Deliveries>,
    paused: Arc<AtomicBool>,
    /// Increased when the queues are emptied: requests that are repeated for older updates end.
    generation: Arc<AtomicU64>,
}

impl Outbox {
    /// Its requests run on this runtime.
    pub(crate) fn new(client: reqwest::Client, runtime: Handle, clock: Arc<Clock>) -> Self {
        Self {
            receivers: Mutex::default(),
            client,
            runtime,
            clock,
            deliveries: Arc::default(),
            paused: Arc::default(),
            generation: Arc::default(),
        }
    }

    pub(crate) fn push(&self, destination: &Destination, update: Update) {
        self.enqueue(destination, Queued { update, delivered: None });
    }

    /// The answer comes when the receiver has acknowledged the update.
    pub(crate) fn push_and_tell(&self, destination: &Destination, update: Update) -> oneshot::Receiver<()> {
        let (delivered, answer) = oneshot::channel();
        self.enqueue(destination, Queued { update, delivered: Some(delivered) });
        answer
    }

    /// While paused, updates wait in their queues.
    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
        for receiver in self.all() {
            receiver.changed.notify_one();
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// How many updates wait.
    pub(crate) fn waiting(&self) -> usize {
        self.all().iter().map(|receiver| receiver.lock().len()).sum()
    }

    /// Drops what waits and the record of deliveries.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        for receiver in self.all() {
            receiver.lock().clear();
        }
        self.deliveries.clear();
    }

    fn all(&self) -> Vec<Arc<Receiver>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn enqueue(&self, destination: &Destination, queued: Queued) {
        let receiver = {
            let mut receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
            match receivers.get(destination) {
                Some(receiver) => Arc::clone(receiver),
                None => Arc::clone(receivers.entry(destination.clone()).or_insert_with(|| self.start(destination))),
            }
        };
        receiver.lock().push_back(queued);
        receiver.changed.notify_one();
    }

    fn start(&self, destination: &Destination) -> Arc<Receiver> {
        let receiver = Arc::new(Receiver {
            target: Arc::new(Target {
                url: destination.url.clone(),
                key: hmac::Key::new(hmac::HMAC_SHA256, destination.app_secret.as_bytes()),
            }),
            queue: Mutex::default(),
            changed: Notify::new(),
        });
        let courier = Courier {
            receiver: Arc::clone(&receiver),
            client: self.client.clone(),
            clock: Arc::clone(&self.clock),
            deliveries: Arc::clone(&self.deliveries),
            paused: Arc::clone(&self.paused),
            generation: Arc::clone(&self.generation),
        };
        self.runtime.spawn(courier.run());
        receiver
    }
}

impl Receiver {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Queued>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties the queue of one receiver.
struct Courier {
    receiver: Arc<Receiver>,
    client: reqwest::Client,
    clock: Arc<Clock>,
    deliveries: Arc<Deliveries>,
    paused: Arc<AtomicBool>,
    generation: Arc<AtomicU64>,
}

impl Courier {
    async fn run(self) {
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        loop {
            // A closed semaphore, which does not happen, ends the loop.
            let Ok(permit) = Arc::clone(&requests).acquire_owned().await else { return };
            let batch: Vec<Queued> = loop {
                if !self.paused.load(Ordering::Relaxed) {
                    let mut queue = self.receiver.lock();
                    let count = queue.len().min(MAX_UPDATES);
                    if count > 0 {
                        break queue.drain(..count).collect();
                    }
                }
                self.receiver.changed.notified().await;
            };
            let (updates, waiting): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|queued| (queued.update, queued.delivered)).unzip();
            let began = self.generation.load(Ordering::Relaxed);
            let generation = Arc::clone(&self.generation);
            let delivery = Delivery {
                target: Arc::clone(&self.receiver.target),
                client: self.client.clone(),
                clock: Arc::clone(&self.clock),
                deliveries: Arc::clone(&self.deliveries),
                updates,
            };
            tokio::spawn(async move {
                let _permit = permit;
                delivery.run(|| generation.load(Ordering::Relaxed) == began).await;
                for waiting in waiting.into_iter().flatten() {
                    // The waiting request may have been given up.
                    let _told = waiting.send(());
                }
            });
        }
    }
}
