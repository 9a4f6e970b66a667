use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ErrorKind, ExchangeKind};

use crate::BrokerError;

/// The exchanges and queues of one deployment. Queue names have a version, because the arguments of a queue cannot change.
///
/// ```text
/// {namespace}.inbound (direct) --> {namespace}.inbound.v1 -- dead letters --> {namespace}.dead (fanout) --> {namespace}.dead.v1
/// {namespace}.bells (direct) --> a queue of each process that listens, see `bells.rs`
/// ```
#[derive(Clone, Debug)]
pub struct Topology {
    pub(crate) inbound_exchange: String,
    inbound_queue: String,
    dead_exchange: String,
    dead_queue: String,
    pub(crate) bell_exchange: String,
}

/// The queues with consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Ids of events to process.
    Inbound,
    /// Ids of events whose messages a worker rejected, or exceeded the delivery limit.
    Dead,
}

/// How often the broker delivers a queue message before it dead-letters it. It is a last resort: a worker makes an event that
/// kills workers a dead letter when it receives it for the sixth time, see `quarantine.rs` in the crate `pipeline`. Without this limit, RabbitMQ 4
/// applies one of its own.
const DELIVERY_LIMIT: i64 = 50;
/// The only routing key.
pub(crate) const ROUTING_KEY: &str = "event";

impl Topology {
    #[must_use]
    pub fn new(namespace: &str) -> Self {
        Self {
            inbound_exchange: format!("{namespace}.inbound"),
            inbound_queue: format!("{namespace}.inbound.v1"),
            dead_exchange: format!("{namespace}.dead"),
            dead_queue: format!("{namespace}.dead.v1"),
            bell_exchange: format!("{namespace}.bells"),
        }
    }

    pub(crate) fn queue(&self, queue: Queue) -> &str {
        match queue {
            Queue::Inbound => &self.inbound_queue,
            Queue::Dead => &self.dead_queue,
        }
    }

    /// Declares all parts; existing ones are not changed. Valid on RabbitMQ 3.10 to 4.x.
    ///
    /// # Errors
    /// [`BrokerError::ArgumentsDiffer`] names a part that exists with other arguments.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        for declaration in self.declarations() {
            declaration.declare(channel).await?;
        }
        Ok(())
    }

    /// In the order in which they can be declared.
    pub(crate) fn declarations(&self) -> [Declaration<'_>; 5] {
        // At least once needs all of: a quorum queue, refusing to overflow, and a dead-letter exchange that routes.
        let dead_letters_to = Some(self.dead_exchange.as_str());
        [
            Declaration::Exchange { name: &self.dead_exchange, kind: ExchangeKind::Fanout },
            Declaration::Exchange { name: &self.inbound_exchange, kind: ExchangeKind::Direct },
            Declaration::Exchange { name: &self.bell_exchange, kind: ExchangeKind::Direct },
            Declaration::Queue { name: &self.dead_queue, bound_to: &self.dead_exchange, dead_letters_to: None },
            Declaration::Queue { name: &self.inbound_queue, bound_to: &self.inbound_exchange, dead_letters_to },
        ]
    }

    /// Deletes all parts with their messages. For tests, which use a topology each.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn delete(&self, channel: &Channel) -> Result<(), BrokerError> {
        for queue in [&self.inbound_queue, &self.dead_queue] {
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
        for exchange in [&self.inbound_exchange, &self.dead_exchange, &self.bell_exchange] {
            channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
        }
        Ok(())
    }
}

/// An exchange or a queue.
#[derive(Clone, Debug)]
pub(crate) enum Declaration<'a> {
    Exchange { name: &'a str, kind: ExchangeKind },
    Queue { name: &'a str, bound_to: &'a str, dead_letters_to: Option<&'a str> },
}

impl Declaration<'_> {
    pub(crate) const fn name(&self) -> &str {
        match self {
            Self::Exchange { name, .. } | Self::Queue { name, .. } => name,
        }
    }

    async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        self.declare_or_compare(channel).await?;
        if let Self::Queue { name, bound_to, .. } = self {
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind((*name).into(), (*bound_to).into(), ROUTING_KEY.into(), options, none).await;
            bound.map_err(|source| declare_error(name, source))?;
        }
        Ok(())
    }

    /// Whether it exists. If not, the broker closes the channel.
    pub(crate) async fn exists(&self, channel: &Channel) -> Result<bool, BrokerError> {
        let none = FieldTable::default();
        let looked = match self {
            Self::Exchange { name, kind } => {
                let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
                channel.exchange_declare((*name).into(), kind.clone(), passive, none).await
            }
            Self::Queue { name, .. } => {
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                channel.queue_declare((*name).into(), passive, none).await.map(drop)
            }
        };
        match looked {
            Ok(()) => Ok(true),
            Err(error) if is(&error, AMQPSoftError::NOTFOUND) => Ok(false),
            Err(source) => Err(declare_error(self.name(), source)),
        }
    }

    /// Creates it if it does not exist. Fails if it exists with other arguments.
    pub(crate) async fn declare_or_compare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let declared = match self {
            Self::Exchange { name, kind } => {
                let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
                channel.exchange_declare((*name).into(), kind.clone(), options, FieldTable::default()).await
            }
            Self::Queue { name, dead_letters_to, .. } => {
                let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
                channel.queue_declare((*name).into(), options, arguments(*dead_letters_to)).await.map(drop)
            }
        };
        declared.map_err(|source| declare_error(self.name(), source))
    }
}

fn arguments(dead_letters_to: Option<&str>) -> FieldTable {
    let text = |value: &str| AMQPValue::LongString(LongString::from(value.as_bytes().to_vec()));
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
    if let Some(exchange) = dead_letters_to {
        arguments.insert("x-dead-letter-exchange".into(), text(exchange));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    }
    arguments
}

fn declare_error(name: &str, source: lapin::Error) -> BrokerError {
    let name = name.to_owned();
    if is(&source, AMQPSoftError::PRECONDITIONFAILED) {
        BrokerError::ArgumentsDiffer { name, source }
    } else {
        BrokerError::Declare { name, source }
    }
}

fn is(error: &lapin::Error, reason: AMQPSoftError) -> bool {
    let reason = AMQPErrorKind::Soft(reason);
    matches!(error.kind(), ErrorKind::ProtocolError(said) if *said.kind() == reason)
}
