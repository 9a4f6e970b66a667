//! Bells: tell other processes at once that there is work of a kind, and about what. The database knows what there is to do, and
//! is asked regularly; a lost ring costs a moment, so messages are neither stored nor confirmed, and each process has a queue of its
//! own that ends with it.

use std::collections::BTreeSet;

use backon::BackoffBuilder as _;
use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, Consumer};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;
use tracing::{debug, info};

use crate::requests::{DELAYS, MAX_DELAY, with_timeout};
use crate::{Broker, BrokerError};

/// Rings that wait to be published, and those that wait for a process. More are dropped.
const MAX_WAITING: u16 = 10_000;

/// Rings the bells of one kind of work in all processes that listen.
#[derive(Clone, Debug)]
pub struct BellRinger {
    waiting: Sender<String>,
}

/// Publishes what [`BellRinger`]s ring.
#[derive(Debug)]
pub struct BellPublisher {
    broker: Broker,
    kind: &'static str,
    waiting: Receiver<String>,
}

impl BellRinger {
    /// Never waits. Without a connection, and if too many wait, the ring is lost.
    pub fn ring(&self, subject: String) {
        if self.waiting.try_send(subject).is_err() {
            debug!("ringing a bell failed: too many rings wait");
        }
    }
}

impl Broker {
    /// The bells of a kind of work, and what publishes their rings.
    #[must_use]
    pub fn bells(&self, kind: &'static str) -> (BellRinger, BellPublisher) {
        let (waiting, received) = channel(MAX_WAITING.into());
        (BellRinger { waiting }, BellPublisher { broker: self.clone(), kind, waiting: received })
    }

    /// Calls `rung` with the subject of each ring, until the future is dropped. Reconnects when the connection is lost.
    pub async fn listen_to_bells(&self, kind: &'static str, rung: impl Fn(&str)) {
        let mut delays = DELAYS.build();
        loop {
            match self.open_bells(kind).await {
                Ok((_connection, _channel, mut consumer)) => {
                    info!(kind, "listening to bells");
                    delays = DELAYS.build();
                    while let Some(Ok(delivery)) = consumer.next().await {
                        if let Ok(subject) = std::str::from_utf8(&delivery.data) {
                            rung(subject);
                        }
                    }
                }
                Err(error) => debug!(kind, %error, "listening to bells failed; retrying"),
            }
            sleep(delays.next().unwrap_or(MAX_DELAY)).await;
        }
    }

    async fn open_bells(&self, kind: &'static str) -> Result<(Connection, Channel, Consumer), BrokerError> {
        let (connection, channel) = self.open("bells").await?;
        let exchange = self.topology().bell_exchange.as_str();
        let consumer = with_timeout(async {
            let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
            let mut arguments = FieldTable::default();
            arguments.insert("x-max-length".into(), AMQPValue::LongInt(MAX_WAITING.into()));
            let queue = channel.queue_declare("".into(), options, arguments).await?;
            let (bind, none) = (QueueBindOptions::default(), FieldTable::default());
            channel.queue_bind(queue.name().clone(), exchange.into(), kind.into(), bind, none.clone()).await?;
            let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
            Ok(channel.basic_consume(queue.name().clone(), "".into(), options, none).await?)
        })
        .await?;
        Ok((connection, channel, consumer))
    }
}

impl BellPublisher {
    /// Publishes rings until all ringers are dropped, or the future is.
    pub async fn run(&mut self) {
        let mut delays = DELAYS.build();
        while let Some(first) = self.waiting.recv().await {
            match self.broker.open("bells").await {
                Ok((_connection, channel)) => {
                    delays = DELAYS.build();
                    if let Err(error) = self.publish_while_open(&channel, first).await {
                        debug!(kind = self.kind, %error, "ringing bells failed; reconnecting");
                    }
                }
                Err(error) => {
                    debug!(kind = self.kind, %error, "ringing bells failed; rings are lost until the broker is back");
                    sleep(delays.next().unwrap_or(MAX_DELAY)).await;
                    while self.waiting.try_recv().is_ok() {}
                }
            }
        }
    }

    async fn publish_while_open(&mut self, channel: &Channel, first: String) -> Result<(), BrokerError> {
        let exchange = self.broker.topology().bell_exchange.clone();
        let mut next = Some(first);
        while let Some(subject) = next {
            // Of many rings for one subject, one is enough.
            let mut subjects = BTreeSet::from([subject]);
            while let Ok(subject) = self.waiting.try_recv() {
                subjects.insert(subject);
            }
            for subject in &subjects {
                let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
                let (exchange, kind) = (exchange.as_str().into(), self.kind.into());
                channel.basic_publish(exchange, kind, options, subject.as_bytes(), properties).await?;
            }
            next = self.waiting.recv().await;
        }
        Ok(())
    }
}
