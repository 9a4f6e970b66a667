//! Deliveries at a given rate, as Meta sends them, and a journal of what was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::client::Client;
use super::meta::{Number, signature, text};

/// Meta waits longer before it sends again; nothing here depends on for how long.
const PAUSE: Duration = Duration::from_millis(200);
/// Whoever was refused for longer was not refused for a moment.
const PATIENCE: Duration = Duration::from_mins(4);
/// Messages come from so many people.
const SENDERS: usize = 20;

/// What was sent, and what was answered.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Who sent what, by the message's id.
    pub(crate) sent: BTreeMap<String, String>,
    /// Those that were answered 200, once or more.
    pub(crate) accepted: BTreeSet<String>,
    /// How often a delivery was answered 503 with `Retry-After`.
    pub(crate) put_off: usize,
    /// How often nothing was answered at all.
    pub(crate) unanswered: usize,
    /// Anything else, which there must not be.
    pub(crate) wrong: Vec<String>,
}

/// Somebody who sends deliveries.
#[derive(Clone)]
pub(crate) struct Sender {
    number: Number,
    servers: Vec<Client>,
    journal: Arc<Mutex<Journal>>,
}

impl Sender {
    /// Sends to these servers, in turns.
    pub(crate) fn new(number: &Number, servers: &[Client]) -> Self {
        Self { number: number.clone(), servers: servers.to_vec(), journal: Arc::default() }
    }

    /// The same journal, another address.
    pub(crate) fn to(&self, servers: &[Client]) -> Self {
        Self { servers: servers.to_vec(), ..self.clone() }
    }

    /// A new delivery with so many messages of one person.
    pub(crate) fn delivery(&self, messages: usize) -> Vec<u8> {
        self.delivery_of(&vec!["one of many"; messages])
    }

    /// The same with these texts.
    pub(crate) fn delivery_of(&self, texts: &[&str]) -> Vec<u8> {
        let mut journal = self.journal.lock().unwrap();
        let from = format!("155501{:05}", journal.sent.len() % SENDERS);
        let messages: Vec<_> = texts.iter().map(|body| text(&from, body)).collect();
        for message in &messages {
            journal.sent.insert(message["id"].as_str().unwrap().to_owned(), from.clone());
        }
        self.number.delivery(&messages).to_string().into_bytes()
    }

    /// Sends a body once; whether it was answered 200.
    pub(crate) async fn post(&self, turn: usize, body: &[u8]) -> bool {
        let client = self.servers[turn % self.servers.len()].with("x-hub-signature-256", &signature(body));
        let answer = client.try_send(Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await;
        let mut journal = self.journal.lock().unwrap();
        match answer {
            Ok(answer) if answer.status == 200 => {
                journal.accepted.extend(wamids(body));
                return true;
            }
            Ok(answer) if answer.status == 503 && answer.header("retry-after") == "5" => journal.put_off += 1,
            Ok(answer) => journal.wrong.push(format!("{}: {}", answer.status, answer.text)),
            Err(_) => journal.unanswered += 1,
        }
        false
    }

    /// Sends a body that is not for the journal; whether it was answered 200.
    pub(crate) async fn post_anything(&self, body: &[u8]) -> bool {
        let client = self.servers[0].with("x-hub-signature-256", &signature(body));
        client.send(Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await.status == 200
    }

    /// Sends a body again and again until it is answered 200, as Meta does.
    pub(crate) async fn deliver(&self, mut turn: usize, body: Vec<u8>) {
        let start = Instant::now();
        while !self.post(turn, &body).await {
            assert!(start.elapsed() < PATIENCE, "a delivery was refused for {PATIENCE:?}: {:?}", self.journal().wrong);
            turn += 1;
            sleep(PAUSE).await;
        }
    }

    /// Sends so many deliveries of one message each at once, each until it is accepted.
    pub(crate) async fn burst(&self, deliveries: usize) {
        join_all((0..deliveries).map(|turn| self.deliver(turn, self.delivery(1)))).await;
    }

    /// Begins to send one message after another, so many a second.
    pub(crate) fn flow(&self, per_second: u32) -> Flow {
        let sender = self.clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let mut tick = interval(Duration::from_secs(1) / per_second);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut deliveries, mut turn) = (Vec::new(), 0);
            tokio::pin!(stopped);
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    _ = tick.tick() => {
                        let (sender, body) = (sender.clone(), sender.delivery(1));
                        deliveries.push(tokio::spawn(async move { sender.deliver(turn, body).await }));
                        turn += 1;
                    }
                }
            }
            for delivery in deliveries {
                delivery.await.unwrap();
            }
        });
        Flow { stop, running }
    }

    pub(crate) fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap()
    }

    /// Waits until so many more are accepted.
    pub(crate) async fn wait_for_more(&self, deliveries: usize) {
        let goal = self.journal().accepted.len() + deliveries;
        super::wait::within(PATIENCE, "deliveries to be accepted", async || {
            (self.journal().accepted.len() >= goal).then_some(())
        })
        .await;
    }
}

/// Deliveries that go on.
pub(crate) struct Flow {
    stop: tokio::sync::oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Flow {
    /// Sends nothing new, and waits until everything is accepted.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap();
    }
}

/// The ids of the messages in a body of ours.
fn wamids(body: &[u8]) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let messages = body["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}
