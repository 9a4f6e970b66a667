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
        for part in self.parts() {
            part.declare(channel).await?;
        }
        Ok(())
    }

    /// In the order in which they can be declared.
    pub(crate) fn parts(&self) -> [Part<'_>; 4] {
        // At least once needs all of: a quorum queue, refusing to overflow, and a dead-letter exchange that routes.
        let dead_letters_to = Some(self.dead_exchange.as_str());
        [
            Part::Exchange { name: &self.dead_exchange, kind: ExchangeKind::Fanout },
            Part::Exchange { name: &self.inbound_exchange, kind: ExchangeKind::Direct },
            Part::Queue { name: &self.dead_queue, bound_to: &self.dead_exchange, dead_letters_to: None },
            Part::Queue { name: &self.inbound_queue, bound_to: &self.inbound_exchange, dead_letters_to },
        ]
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
}

/// An exchange or a queue.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    Exchange { name: &'a str, kind: ExchangeKind },
    Queue { name: &'a str, bound_to: &'a str, dead_letters_to: Option<&'a str> },
}

impl Part<'_> {
    pub(crate) const fn name(&self) -> &str {
        match self {
            Self::Exchange { name, .. } | Self::Queue { name, .. } => name,
        }
    }

    async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        self.match_or_make(channel).await?;
        if let Self::Queue { name, bound_to, .. } = self {
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind((*name).into(), (*bound_to).into(), ROUTING_KEY.into(), options, none).await;
            bound.map_err(|source| not_declared(name, source))?;
        }
        Ok(())
    }

    /// Whether there is something of this kind and name. A no of the broker's closes the channel.
    pub(crate) async fn is_there(&self, channel: &Channel) -> Result<bool, BrokerError> {
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
            Err(source) => Err(not_declared(self.name(), source)),
        }
    }

    /// What is there under the name is what we would make; what is not is made.
    pub(crate) async fn match_or_make(&self, channel: &Channel) -> Result<(), BrokerError> {
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
        declared.map_err(|source| not_declared(self.name(), source))
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

fn not_declared(name: &str, source: lapin::Error) -> BrokerError {
    let name = name.to_owned();
    if is(&source, AMQPSoftError::PRECONDITIONFAILED) {
        BrokerError::OtherArguments { name, source }
    } else {
        BrokerError::Declare { name, source }
    }
}

fn is(error: &lapin::Error, reason: AMQPSoftError) -> bool {
    let reason = AMQPErrorKind::Soft(reason);
    matches!(error.kind(), ErrorKind::ProtocolError(said) if *said.kind() == reason)
}
