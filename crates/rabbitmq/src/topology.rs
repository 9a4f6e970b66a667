use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ErrorKind, ExchangeKind};

use crate::BrokerError;

/// Exchanges and queues, under the names of one deployment. Versioned, because the arguments of a queue cannot be changed.
///
/// ```text
/// {namespace}.inbound (direct) --> {namespace}.inbound.v1 -- dead letters --> {namespace}.dead (fanout) --> {namespace}.dead.v1
/// ```
#[derive(Clone, Debug)]
pub struct Topology {
    pub(crate) inbound_exchange: String,
    inbound_queue: String,
    dead_exchange: String,
    dead_queue: String,
}

/// The queues that somebody consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Ids of events to process.
    Inbound,
    /// Ids that were rejected, or that the broker gave up on.
    Dead,
}

/// The last resort against a message that is delivered for ever; long before it the ledger has buried the event. Without
/// it, RabbitMQ 4 would apply a limit of its own.
const DELIVERY_LIMIT: i64 = 50;
/// One kind of message goes through.
pub(crate) const ROUTING_KEY: &str = "event";

impl Topology {
    #[must_use]
    pub fn new(namespace: &str) -> Self {
        Self {
            inbound_exchange: format!("{namespace}.inbound"),
            inbound_queue: format!("{namespace}.inbound.v1"),
            dead_exchange: format!("{namespace}.dead"),
            dead_queue: format!("{namespace}.dead.v1"),
        }
    }

    pub(crate) fn queue(&self, queue: Queue) -> &str {
        match queue {
            Queue::Inbound => &self.inbound_queue,
            Queue::Dead => &self.dead_queue,
        }
    }

    /// Declares everything; what is there already is left alone. Valid on RabbitMQ 3.10 to 4.x.
    ///
    /// # Errors
    /// [`BrokerError::OtherArguments`] names what exists and is different.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        self.declare_exchange(channel, &self.dead_exchange, ExchangeKind::Fanout).await?;
        self.declare_exchange(channel, &self.inbound_exchange, ExchangeKind::Direct).await?;
        self.declare_queue(channel, &self.dead_queue, &self.dead_exchange, &[]).await?;
        // At least once needs all of: a quorum queue, refusing to overflow, and a dead-letter exchange that routes.
        let dead_lettering =
            [("x-dead-letter-exchange", self.dead_exchange.as_str()), ("x-dead-letter-strategy", "at-least-once")];
        self.declare_queue(channel, &self.inbound_queue, &self.inbound_exchange, &dead_lettering).await
    }

    /// Removes everything, with what is in it. For tests, which make a topology of their own each.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn delete(&self, channel: &Channel) -> Result<(), BrokerError> {
        for queue in [&self.inbound_queue, &self.dead_queue] {
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
        for exchange in [&self.inbound_exchange, &self.dead_exchange] {
            channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
        }
        Ok(())
    }

    async fn declare_exchange(&self, channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), BrokerError> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await
            .map_err(|source| not_declared(name, source))
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        name: &str,
        exchange: &str,
        more: &[(&str, &str)],
    ) -> Result<(), BrokerError> {
        let text = |value: &str| AMQPValue::LongString(LongString::from(value.as_bytes().to_vec()));
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text("quorum"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
        for (key, value) in more {
            arguments.insert((*key).into(), text(value));
        }
        let failed = |source| not_declared(name, source);
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(name.into(), options, arguments).await.map_err(failed)?;
        channel
            .queue_bind(
                name.into(),
                exchange.into(),
                ROUTING_KEY.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(failed)
    }
}

fn not_declared(name: &str, source: lapin::Error) -> BrokerError {
    let precondition_failed = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
    let name = name.to_owned();
    match source.kind() {
        ErrorKind::ProtocolError(said) if *said.kind() == precondition_failed => {
            BrokerError::OtherArguments { name, source }
        }
        _ => BrokerError::Declare { name, source },
    }
}
