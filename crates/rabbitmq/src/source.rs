use std::collections::HashMap;
use std::time::Duration;
use std::{fmt, mem};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use inbound::{Delivery, EventSource};
use kernel::Traceparent;
use kernel::ids::EventId;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, BasicProperties, Channel, Connection, Consumer};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::broker::{FIRST_PAUSE, LONGEST_PAUSE, look_at, within_deadline};
use crate::{Broker, BrokerError, Queue};

/// How many deliveries the broker hands out before some are settled: twice what a worker takes in at once.
const PREFETCH: u16 = 2_000;
/// After so long without a delivery the broker is asked whether it still knows us.
const SILENCE: Duration = Duration::from_secs(5);

/// Takes ids from a queue, and connects again whenever the connection is lost, or the broker has forgotten its consumer:
/// it does not always tell one whose queue is deleted.
pub struct RabbitSource {
    broker: Broker,
    queue: Queue,
    open: Option<Open>,
    /// Messages were waiting when we had just heard nothing for a while.
    doubtful: bool,
    pause: Duration,
    /// What was handed out and is not settled, by a tag of our own: those of the broker start over with each connection.
    unsettled: HashMap<u64, Acker>,
    last_tag: u64,
    /// Taken in and not passed on yet: whoever waits for it may lose patience.
    received: Vec<Delivery>,
}

struct Open {
    /// Dropping it would end the consumer.
    _connection: Connection,
    channel: Channel,
    consumer: Consumer,
}

impl RabbitSource {
    pub(crate) fn new(broker: Broker, queue: Queue) -> Self {
        Self {
            broker,
            queue,
            open: None,
            doubtful: false,
            pause: FIRST_PAUSE,
            unsettled: HashMap::new(),
            last_tag: 0,
            received: Vec::new(),
        }
    }

    /// Waits until there is a connection, for as long as it takes.
    async fn consumer(&mut self) -> &mut Consumer {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.connect_at_last().await,
        };
        &mut self.open.insert(open).consumer
    }

    async fn connect_at_last(&mut self) -> Open {
        let queue = self.broker.topology().queue(self.queue).to_owned();
        loop {
            match self.connect().await {
                Ok(open) => {
                    info!(queue, "consuming");
                    self.pause = FIRST_PAUSE;
                    return open;
                }
                Err(error) => {
                    // Who is silent may be about to answer, and has made us wait already.
                    if matches!(error, BrokerError::TimedOut) {
                        self.pause = FIRST_PAUSE;
                    }
                    warn!(queue, %error, pause_seconds = self.pause.as_secs_f32(), "the broker is away, waiting for it");
                    sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn connect(&self) -> Result<Open, BrokerError> {
        let (connection, channel) = self.broker.open("consumer").await?;
        let queue = self.broker.topology().queue(self.queue);
        within_deadline(async {
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
            Ok(Open { _connection: connection, channel, consumer })
        })
        .await
    }

    /// Forgets the connection and everything that came by it: the broker delivers it again.
    fn disconnect(&mut self) {
        self.open = None;
        self.doubtful = false;
        self.unsettled.clear();
        self.received.clear();
    }

    /// Ends a consumer that the broker has no more deliveries for: it counts none on the queue, or has had messages there
    /// for a while which it did not hand out.
    async fn check_silence(&mut self) {
        let Some(open) = &self.open else { return };
        let queue = self.broker.topology().queue(self.queue);
        let (consumers, messages) = match within_deadline(look_at(&open.channel, queue)).await {
            Ok(found) => (found.consumer_count(), found.message_count()),
            Err(error) => {
                warn!(queue, %error, "the consumer's channel is of no use");
                return self.disconnect();
            }
        };
        if consumers == 0 || (messages > 0 && self.doubtful) {
            warn!(queue, consumers, messages, "the broker has forgotten the consumer");
            self.disconnect();
        } else {
            self.doubtful = messages > 0;
        }
    }

    /// Takes a delivery in; one that carries no id goes straight to the dead letters.
    async fn take(&mut self, delivery: lapin::message::Delivery) {
        let event = std::str::from_utf8(&delivery.data).ok().and_then(|text| text.parse::<EventId>().ok());
        let Some(event) = event else {
            warn!(queue = self.broker.topology().queue(self.queue), "a message without an event id was rejected");
            let _ = delivery.acker.reject(BasicRejectOptions { requeue: false }).await;
            return;
        };
        self.last_tag += 1;
        self.unsettled.insert(self.last_tag, delivery.acker);
        let trace = trace_of(&delivery.properties);
        self.received.push(Delivery { event, redelivered: delivery.redelivered, trace, tag: self.last_tag });
    }
}

/// What the publisher wrote there, if it is what it should be.
fn trace_of(properties: &BasicProperties) -> Option<Traceparent> {
    match properties.headers().as_ref()?.inner().get("traceparent")? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.parse().ok(),
        _ => None,
    }
}

#[async_trait]
impl EventSource for RabbitSource {
    async fn receive(&mut self, max: usize) -> Vec<Delivery> {
        loop {
            let nothing = self.received.is_empty();
            let consumer = self.consumer().await;
            let next = if nothing {
                let Ok(next) = timeout(SILENCE, consumer.next()).await else {
                    self.check_silence().await;
                    continue;
                };
                Some(next)
            } else {
                consumer.next().now_or_never()
            };
            match next {
                Some(Some(Ok(delivery))) => {
                    self.doubtful = false;
                    self.take(delivery).await;
                }
                // The connection is lost, and with it the claim on whatever came by it.
                Some(Some(Err(_)) | None) => self.disconnect(),
                None => return mem::take(&mut self.received),
            }
            if self.received.len() >= max {
                return mem::take(&mut self.received);
            }
        }
    }

    async fn acknowledge(&mut self, deliveries: &[Delivery]) {
        let ackers: Vec<Acker> =
            deliveries.iter().filter_map(|delivery| self.unsettled.remove(&delivery.tag)).collect();
        let acknowledge = async {
            for acker in ackers {
                acker.ack(BasicAckOptions::default()).await?;
            }
            Ok(())
        };
        if within_deadline(acknowledge).await.is_err() {
            self.disconnect();
        }
    }

    async fn reject(&mut self, delivery: &Delivery) {
        let Some(acker) = self.unsettled.remove(&delivery.tag) else { return };
        let reject = async { Ok(acker.reject(BasicRejectOptions { requeue: false }).await?) };
        if within_deadline(reject).await.is_err() {
            self.disconnect();
        }
    }
}

impl fmt::Debug for RabbitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitSource").field("queue", &self.queue).finish_non_exhaustive()
    }
}
