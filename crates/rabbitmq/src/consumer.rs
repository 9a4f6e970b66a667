use std::collections::HashMap;
use std::time::Duration;
use std::{fmt, mem};

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBackoff};
use futures_util::{FutureExt, StreamExt};
use inbound::{EventConsumer, QueueMessage};
use kernel::Traceparent;
use kernel::ids::EventId;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, BasicProperties, Channel, Connection, Consumer};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::requests::{DELAYS, MAX_DELAY, inspect_queue, with_timeout};
use crate::{Broker, BrokerError, Queue};

/// Unsettled messages that the broker delivers at most: more than the relay publishes of tenants with many events, so that a
/// message of another tenant does not wait in the queue behind theirs. The worker serves tenants in turn.
const PREFETCH: u16 = 5_000;
/// After this long without a message the consumer is checked.
const IDLE_CHECK_AFTER: Duration = Duration::from_secs(5);

/// Consumes event ids from a queue. Reconnects when the connection is lost, and when the broker has dropped the consumer: the
/// broker does not always cancel a consumer whose queue is deleted.
pub struct RabbitConsumer {
    broker: Broker,
    queue: Queue,
    open: Option<OpenConsumer>,
    /// At the last check, messages were ready that the broker had not delivered.
    undelivered_before: bool,
    delays: ExponentialBackoff,
    /// Delivered and unsettled messages, by a tag of our own: the tags of the broker restart with each connection.
    unsettled: HashMap<u64, Acker>,
    last_tag: u64,
    /// Delivered and not yet returned: the future of `receive` may be dropped.
    received: Vec<QueueMessage>,
}

struct OpenConsumer {
    /// Dropping it would end the consumer.
    _connection: Connection,
    channel: Channel,
    consumer: Consumer,
}

impl Broker {
    /// A consumer of a queue, with a connection of its own.
    #[must_use]
    pub fn consumer(&self, queue: Queue) -> RabbitConsumer {
        RabbitConsumer::new(self.clone(), queue)
    }
}

impl RabbitConsumer {
    pub(crate) fn new(broker: Broker, queue: Queue) -> Self {
        Self {
            broker,
            queue,
            open: None,
            undelivered_before: false,
            delays: DELAYS.build(),
            unsettled: HashMap::new(),
            last_tag: 0,
            received: Vec::new(),
        }
    }

    /// The open consumer; connects if needed, retrying without limit.
    async fn consumer(&mut self) -> &mut Consumer {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.connect_with_retry().await,
        };
        &mut self.open.insert(open).consumer
    }

    async fn connect_with_retry(&mut self) -> OpenConsumer {
        let queue = self.broker.topology().queue(self.queue).to_owned();
        loop {
            match self.connect().await {
                Ok(open) => {
                    info!(queue, "consuming");
                    self.delays = DELAYS.build();
                    return open;
                }
                Err(error) => {
                    // The timeout was a long wait already, and the broker may be about to respond.
                    if matches!(error, BrokerError::TimedOut) {
                        self.delays = DELAYS.build();
                    }
                    let delay = self.delays.next().unwrap_or(MAX_DELAY);
                    warn!(queue, %error, delay_seconds = delay.as_secs_f32(), "connecting to broker failed; retrying");
                    sleep(delay).await;
                }
            }
        }
    }

    async fn connect(&self) -> Result<OpenConsumer, BrokerError> {
        let (connection, channel) = self.broker.open("consumer").await?;
        let queue = self.broker.topology().queue(self.queue);
        with_timeout(async {
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
            Ok(OpenConsumer { _connection: connection, channel, consumer })
        })
        .await
    }

    /// Drops the connection and its unsettled messages: the broker delivers them again.
    fn disconnect(&mut self) {
        self.open = None;
        self.undelivered_before = false;
        self.unsettled.clear();
        self.received.clear();
    }

    /// Disconnects a consumer that the broker has dropped: the queue has no consumers, or has had ready messages at two checks
    /// in a row.
    async fn check_idle_consumer(&mut self) {
        let Some(open) = &self.open else { return };
        let queue = self.broker.topology().queue(self.queue);
        let (consumers, messages) = match with_timeout(inspect_queue(&open.channel, queue)).await {
            Ok(found) => (found.consumer_count(), found.message_count()),
            Err(error) => {
                warn!(queue, %error, "inspecting the queue failed; reconnecting");
                return self.disconnect();
            }
        };
        if consumers == 0 || (messages > 0 && self.undelivered_before) {
            warn!(queue, consumers, messages, "broker has dropped the consumer; reconnecting");
            self.disconnect();
        } else {
            self.undelivered_before = messages > 0;
        }
    }

    /// Accepts a delivered message. One without an event id is rejected: it goes to the dead letter queue.
    async fn accept(&mut self, message: lapin::message::Delivery) {
        let event = std::str::from_utf8(&message.data).ok().and_then(|text| text.parse::<EventId>().ok());
        let Some(event) = event else {
            warn!(queue = self.broker.topology().queue(self.queue), "message rejected: no event id");
            let _ = message.acker.reject(BasicRejectOptions { requeue: false }).await;
            return;
        };
        self.last_tag += 1;
        self.unsettled.insert(self.last_tag, message.acker);
        let trace = traceparent_of(&message.properties);
        self.received.push(QueueMessage { event, redelivered: message.redelivered, trace, tag: self.last_tag });
    }
}

/// The trace context in the message headers, if valid.
fn traceparent_of(properties: &BasicProperties) -> Option<Traceparent> {
    match properties.headers().as_ref()?.inner().get("traceparent")? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.parse().ok(),
        _ => None,
    }
}

#[async_trait]
impl EventConsumer for RabbitConsumer {
    async fn receive(&mut self, max: usize) -> Vec<QueueMessage> {
        loop {
            let nothing = self.received.is_empty();
            let consumer = self.consumer().await;
            let next = if nothing {
                let Ok(next) = timeout(IDLE_CHECK_AFTER, consumer.next()).await else {
                    self.check_idle_consumer().await;
                    continue;
                };
                Some(next)
            } else {
                consumer.next().now_or_never()
            };
            match next {
                Some(Some(Ok(message))) => {
                    self.undelivered_before = false;
                    self.accept(message).await;
                }
                // The connection is lost; its messages cannot be settled any more.
                Some(Some(Err(_)) | None) => self.disconnect(),
                None => return mem::take(&mut self.received),
            }
            if self.received.len() >= max {
                return mem::take(&mut self.received);
            }
        }
    }

    async fn acknowledge(&mut self, messages: &[QueueMessage]) {
        let ackers: Vec<Acker> = messages.iter().filter_map(|message| self.unsettled.remove(&message.tag)).collect();
        let acknowledge = async {
            for acker in ackers {
                acker.ack(BasicAckOptions::default()).await?;
            }
            Ok(())
        };
        if with_timeout(acknowledge).await.is_err() {
            self.disconnect();
        }
    }

    async fn reject(&mut self, message: &QueueMessage) {
        let Some(acker) = self.unsettled.remove(&message.tag) else { return };
        let reject = async { Ok(acker.reject(BasicRejectOptions { requeue: false }).await?) };
        if with_timeout(reject).await.is_err() {
            self.disconnect();
        }
    }
}

impl fmt::Debug for RabbitConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitConsumer").field("queue", &self.queue).finish_non_exhaustive()
    }
}
