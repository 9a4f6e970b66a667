use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use futures_util::future::join_all;
use inbound::{DueEvent, EventPublisher, PublishResult, QueueDepth, QueueError, QueueInspector};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::Mutex;

use crate::requests::{inspect_queue, with_timeout};
use crate::topology::ROUTING_KEY;
use crate::{Broker, BrokerError, Queue};

/// Publishes event ids as persistent, mandatory messages with publisher confirms. One batch at a time, pipelined.
pub struct RabbitPublisher {
    broker: Broker,
    open: Mutex<Option<OpenChannel>>,
}

struct OpenChannel {
    /// Dropping it would close the channel.
    _connection: Connection,
    channel: Channel,
}

impl Broker {
    /// A publisher with a connection of its own.
    #[must_use]
    pub fn publisher(&self) -> RabbitPublisher {
        RabbitPublisher::new(self.clone())
    }
}

impl RabbitPublisher {
    pub(crate) fn new(broker: Broker) -> Self {
        Self { broker, open: Mutex::new(None) }
    }

    /// Checks that the broker responds; connects if needed.
    ///
    /// # Errors
    /// [`QueueError`] if it does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.ready_messages().await.map(drop)
    }

    /// Runs `work` on the channel, opening one if needed. After a failure the channel is closed, so that no confirm of a failed
    /// batch arrives later.
    async fn with_channel<T>(
        &self,
        work: impl AsyncFnOnce(&Channel) -> Result<T, BrokerError> + Send,
    ) -> Result<T, QueueError>
    where
        T: Send,
    {
        let mut open = self.open.lock().await;
        let outcome = match open.take().filter(|open| open.channel.status().connected()) {
            Some(ready) => Ok(ready),
            None => self.connect().await,
        };
        let outcome = match outcome {
            Ok(ready) => with_timeout(work(&ready.channel)).await.map(|value| (ready, value)),
            Err(error) => Err(error),
        };
        match outcome {
            Ok((ready, value)) => {
                *open = Some(ready);
                Ok(value)
            }
            Err(error @ BrokerError::TimedOut) => Err(QueueError::TimedOut(error.into())),
            Err(error) => Err(QueueError::Unavailable(error.into())),
        }
    }

    async fn connect(&self) -> Result<OpenChannel, BrokerError> {
        let (connection, channel) = self.broker.open("publisher").await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(OpenChannel { _connection: connection, channel })
    }
}

#[async_trait]
impl EventPublisher for RabbitPublisher {
    async fn publish(&self, events: &[DueEvent]) -> Result<PublishResult, QueueError> {
        let exchange = self.broker.topology().inbound_exchange.as_str();
        let published = self.with_channel(async |channel| publish(channel, exchange, events).await).await?;
        if published.returned > 0 {
            // The queue was deleted: reconnecting declares it again.
            *self.open.lock().await = None;
        }
        Ok(published)
    }

    async fn ready_messages(&self) -> Result<u32, QueueError> {
        let queue = self.broker.topology().queue(Queue::Inbound);
        self.with_channel(async |channel| Ok(inspect_queue(channel, queue).await?.message_count())).await
    }
}

#[async_trait]
impl QueueInspector for RabbitPublisher {
    async fn queues(&self) -> Result<Vec<QueueDepth>, QueueError> {
        let topology = self.broker.topology();
        self.with_channel(async |channel| {
            let mut depths = Vec::new();
            for (label, queue) in [("inbound", Queue::Inbound), ("dead", Queue::Dead)] {
                let queue = inspect_queue(channel, topology.queue(queue)).await?;
                let (messages, consumers) = (queue.message_count(), queue.consumer_count());
                depths.push(QueueDepth { queue: label, messages, consumers });
            }
            Ok(depths)
        })
        .await
    }
}

async fn publish(channel: &Channel, exchange: &str, events: &[DueEvent]) -> Result<PublishResult, BrokerError> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut confirms = Vec::with_capacity(events.len());
    for event in events {
        let id = event.id.to_string();
        let properties = properties(&id, event.traceparent.as_deref());
        let confirm =
            channel.basic_publish(exchange.into(), ROUTING_KEY.into(), options, id.as_bytes(), properties).await?;
        confirms.push(confirm);
    }
    let (mut confirmed, mut nacked) = (Vec::with_capacity(events.len()), 0);
    let mut returned: HashSet<String> = HashSet::new();
    for (event, confirmation) in events.iter().zip(join_all(confirms).await) {
        match confirmation? {
            Confirmation::Ack(None) => confirmed.push(event.id),
            // The returned message of one publish may arrive with the confirm of another: only its message id identifies it.
            Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message)) => {
                returned.extend(message.properties.message_id().as_ref().map(ToString::to_string));
            }
            Confirmation::Nack(None) | Confirmation::NotRequested => nacked += 1,
        }
    }
    confirmed.retain(|id| !returned.contains(&id.to_string()));
    Ok(PublishResult { confirmed, returned: returned.len(), nacked })
}

fn properties(id: &str, traceparent: Option<&str>) -> BasicProperties {
    const PERSISTENT: u8 = 2;
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type(ShortString::from("text/plain"))
        .with_message_id(id.into());
    match traceparent {
        Some(traceparent) => {
            let mut headers = FieldTable::default();
            headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.as_bytes().to_vec().into()));
            properties.with_headers(headers)
        }
        None => properties,
    }
}

impl fmt::Debug for RabbitPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitPublisher").field("broker", &self.broker).finish_non_exhaustive()
    }
}
