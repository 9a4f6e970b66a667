//! Deliveries at a given rate, sent like Meta's, and a journal of the responses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::client::Client;
use super::meta::{Number, signature, text};

/// Meta waits longer between retries; no test depends on how long.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// The longest time for which a delivery may be refused.
const MAX_WAIT: Duration = Duration::from_mins(4);
/// The number of distinct senders.
const SENDERS: usize = 20;

/// Sent messages and their responses.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// The sender of each message, by message id.
    pub(crate) sent: BTreeMap<String, String>,
    /// Messages answered 200 at least once.
    pub(crate) accepted: BTreeSet<String>,
    /// Deliveries answered 503 with `Retry-After`.
    pub(crate) retry_later: usize,
    /// Deliveries without any response.
    pub(crate) no_response: usize,
    /// All other responses; must stay empty.
    pub(crate) unexpected: Vec<String>,
}

/// Sends deliveries and records the responses.
#[derive(Clone)]
pub(crate) struct Sender {
    number: Number,
    servers: Vec<Client>,
    journal: Arc<Mutex<Journal>>,
}

impl Sender {
    /// Sends to these servers in turn.
    pub(crate) fn new(number: &Number, servers: &[Client]) -> Self {
        Self { number: number.clone(), servers: servers.to_vec(), journal: Arc::default() }
    }

    /// The same journal with other servers.
    pub(crate) fn to(&self, servers: &[Client]) -> Self {
        Self { servers: servers.to_vec(), ..self.clone() }
    }

    /// A new delivery with this many messages from one sender.
    pub(crate) fn delivery(&self, messages: usize) -> Vec<u8> {
        self.delivery_of(&vec!["one of many"; messages])
    }

    /// A new delivery with these texts.
    pub(crate) fn delivery_of(&self, texts: &[&str]) -> Vec<u8> {
        let mut journal = self.journal.lock().unwrap();
        let from = format!("155501{:05}", journal.sent.len() % SENDERS);
        let messages: Vec<_> = texts.iter().map(|body| text(&from, body)).collect();
        for message in &messages {
            journal.sent.insert(message["id"].as_str().unwrap().to_owned(), from.clone());
        }
        self.number.delivery(&messages).to_string().into_bytes()
    }

    /// Posts a body once; returns whether it was answered 200.
    pub(crate) async fn post(&self, server: usize, body: &[u8]) -> bool {
        let client = self.servers[server % self.servers.len()].with("x-hub-signature-256", &signature(body));
        let response = client.try_send(Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await;
        let mut journal = self.journal.lock().unwrap();
        match response {
            Ok(response) if response.status == 200 => {
                journal.accepted.extend(wamids(body));
                return true;
            }
            Ok(response) if response.status == 503 && response.header("retry-after") == "5" => journal.retry_later += 1,
            Ok(response) => journal.unexpected.push(format!("{}: {}", response.status, response.text)),
            Err(_) => journal.no_response += 1,
        }
        false
    }

    /// Posts a body without recording it; returns whether it was answered 200.
    pub(crate) async fn post_unrecorded(&self, body: &[u8]) -> bool {
        let client = self.servers[0].with("x-hub-signature-256", &signature(body));
        client.send(Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await.status == 200
    }

    /// Posts a body until it is answered 200, as Meta does.
    pub(crate) async fn deliver(&self, mut server: usize, body: Vec<u8>) {
        let start = Instant::now();
        while !self.post(server, &body).await {
            assert!(
                start.elapsed() < MAX_WAIT,
                "a delivery was refused for {MAX_WAIT:?}: {:?}",
                self.journal().unexpected
            );
            server += 1;
            sleep(RETRY_INTERVAL).await;
        }
    }

    /// Sends this many deliveries of one message concurrently, each until it is accepted.
    pub(crate) async fn burst(&self, deliveries: usize) {
        join_all((0..deliveries).map(|turn| self.deliver(turn, self.delivery(1)))).await;
    }

    /// Starts to send deliveries of one message at this rate.
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

    /// Waits until this many more messages are accepted.
    pub(crate) async fn wait_for_more(&self, deliveries: usize) {
        let goal = self.journal().accepted.len() + deliveries;
        super::wait::within(MAX_WAIT, "deliveries to be accepted", async || {
            (self.journal().accepted.len() >= goal).then_some(())
        })
        .await;
    }

    /// Waits until so many more deliveries were sent, answered or not.
    pub(crate) async fn wait_for_sent(&self, deliveries: usize) {
        let wanted = self.journal().sent.len() + deliveries;
        super::wait::within(MAX_WAIT, "deliveries to be sent", async || {
            (self.journal().sent.len() >= wanted).then_some(())
        })
        .await;
    }

    /// Waits until this many more messages are sent than accepted.
    pub(crate) async fn wait_for_unanswered(&self, deliveries: usize) {
        super::wait::within(MAX_WAIT, "deliveries to wait for their answers", async || {
            let journal = self.journal();
            (journal.sent.len() >= journal.accepted.len() + deliveries).then_some(())
        })
        .await;
    }
}

/// A running stream of deliveries.
pub(crate) struct Flow {
    stop: tokio::sync::oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Flow {
    /// Stops sending and waits until everything is accepted.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap();
    }
}

/// The ids of the messages in a body.
fn wamids(body: &[u8]) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let messages = body["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}
