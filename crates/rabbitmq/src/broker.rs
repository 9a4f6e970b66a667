use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::{Queue, RabbitConsumer, RabbitPublisher, Topology};

/// Address and names of a broker.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `amqp://user:password@host:port/vhost`
    pub url: SecretString,
    /// The prefix of exchange and queue names.
    pub namespace: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker URL is not an amqp:// URL: {0}")]
    Url(String),
    /// Retrying does not help, and only an operator may delete the queue.
    #[error(
        "the broker has {name:?} with other arguments than this version of Parley declares: delete it when it is empty, or \
         choose other names (amqp.namespace); {source}"
    )]
    ArgumentsDiffer { name: String, source: lapin::Error },
    #[error("cannot declare {name:?}: {source}")]
    Declare { name: String, source: lapin::Error },
    #[error("the broker did not respond within {} s", RESPONSE_TIMEOUT.as_secs())]
    TimedOut,
    #[error(transparent)]
    Lapin(#[from] lapin::Error),
}

/// A healthy broker responds to any request sooner.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
const HEARTBEAT_SECONDS: u16 = 15;
/// The first and the longest delay between attempts to connect.
pub(crate) const FIRST_DELAY: Duration = Duration::from_millis(500);
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(30);

/// A RabbitMQ broker; makes publishers and consumers. They connect on first use.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    uri: AMQPUri,
    topology: Topology,
}

impl Broker {
    /// # Errors
    /// [`BrokerError::Url`].
    pub fn new(config: &BrokerConfig) -> Result<Self, BrokerError> {
        let mut uri: AMQPUri = config.url.expose_secret().parse().map_err(BrokerError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self(Arc::new(Inner { uri, topology: Topology::new(&config.namespace) })))
    }

    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.0.topology
    }

    /// A publisher with a connection of its own.
    #[must_use]
    pub fn publisher(&self) -> RabbitPublisher {
        RabbitPublisher::new(self.clone())
    }

    /// A consumer of a queue, with a connection of its own.
    #[must_use]
    pub fn consumer(&self, queue: Queue) -> RabbitConsumer {
        RabbitConsumer::new(self.clone(), queue)
    }

    /// Waits until the broker accepts a connection and has the topology.
    ///
    /// # Errors
    /// [`BrokerError::ArgumentsDiffer`]: an exchange or queue exists with other arguments.
    pub async fn wait_until_available(&self) -> Result<(), BrokerError> {
        let mut delay = FIRST_DELAY;
        loop {
            match self.open("start").await {
                Ok(_) => return Ok(()),
                Err(error @ BrokerError::ArgumentsDiffer { .. }) => return Err(error),
                Err(error) => debug!(%error, "connecting to broker failed; retrying"),
            }
            sleep(delay).await;
            delay = (delay * 2).min(MAX_DELAY);
        }
    }

    /// The parts of the topology that the broker has with other arguments than this version declares. Parts that do not exist
    /// are not created: the first server that starts creates them.
    ///
    /// # Errors
    /// [`BrokerError`] when the broker cannot be reached.
    pub async fn inspect(&self) -> Result<Vec<BrokerError>, BrokerError> {
        let inspect = async {
            let connection = self.connect("check").await?;
            let mut problems = Vec::new();
            for declaration in self.0.topology.declarations() {
                // One channel each: the broker closes a channel when it refuses a declaration.
                let channel = connection.create_channel().await?;
                let outcome = match declaration.exists(&channel).await {
                    Ok(true) => declaration.declare_or_compare(&channel).await,
                    other => other.map(drop),
                };
                problems.extend(outcome.err());
            }
            Ok(problems)
        };
        with_timeout(inspect).await
    }

    /// Connects, and declares the topology.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn open(&self, name: &str) -> Result<(Connection, Channel), BrokerError> {
        let open = async {
            let connection = self.connect(name).await?;
            let channel = connection.create_channel().await?;
            self.0.topology.declare(&channel).await?;
            Ok((connection, channel))
        };
        with_timeout(open).await
    }

    async fn connect(&self, name: &str) -> Result<Connection, BrokerError> {
        let properties = ConnectionProperties::default().with_connection_name(format!("parley {name}").into());
        Ok(Connection::connect_uri(self.0.uri.clone(), properties).await?)
    }
}

/// lapin has no timeout of its own.
pub(crate) async fn with_timeout<T>(work: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
    timeout(RESPONSE_TIMEOUT, work).await.unwrap_or(Err(BrokerError::TimedOut))
}

/// Message and consumer counts of a queue. If the queue does not exist, the broker closes the channel.
pub(crate) async fn inspect_queue(channel: &Channel, queue: &str) -> Result<lapin::Queue, BrokerError> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(queue.into(), passive, FieldTable::default()).await?)
}
