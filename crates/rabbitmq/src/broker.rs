use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::{Queue, RabbitPublisher, RabbitSource, Topology};

/// Where the broker is.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `amqp://user:password@host:port/vhost`
    pub url: SecretString,
    /// What the names of exchanges and queues start with.
    pub namespace: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker URL is no amqp:// URL: {0}")]
    Url(String),
    /// Waiting does not mend it, and it is not ours to delete.
    #[error(
        "the broker has {name:?} with other arguments than this version of Parley declares: delete it when it is empty, or \
         choose other names (amqp.namespace); {source}"
    )]
    OtherArguments { name: String, source: lapin::Error },
    #[error("cannot declare {name:?}: {source}")]
    Declare { name: String, source: lapin::Error },
    #[error("the broker did not answer within {} s", DEADLINE.as_secs())]
    TimedOut,
    #[error(transparent)]
    Lapin(#[from] lapin::Error),
}

/// Nothing we ask of a broker that is well takes this long.
const DEADLINE: Duration = Duration::from_secs(10);
const HEARTBEAT_SECONDS: u16 = 15;
/// Between attempts to connect, the first and each after many.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(500);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// RabbitMQ, from which publishers and sources are made. Connects when something is first needed.
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
    pub fn source(&self, queue: Queue) -> RabbitSource {
        RabbitSource::new(self.clone(), queue)
    }

    /// Waits until the broker is there for the first time.
    ///
    /// # Errors
    /// [`BrokerError::OtherArguments`]: what it has under our names is not ours.
    pub async fn first_contact(&self) -> Result<(), BrokerError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.open("start").await {
                Ok(_) => return Ok(()),
                Err(error @ BrokerError::OtherArguments { .. }) => return Err(error),
                Err(error) => debug!(%error, "the broker is not there yet"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What of the topology the broker has otherwise than this version declares it. Declares nothing: what is not there yet,
    /// the first server to start makes.
    ///
    /// # Errors
    /// [`BrokerError`] when the broker cannot be asked.
    pub async fn inspect(&self) -> Result<Vec<BrokerError>, BrokerError> {
        let inspect = async {
            let connection = self.connect("check").await?;
            let mut problems = Vec::new();
            for part in self.0.topology.parts() {
                // One channel each: the broker closes a channel with what it refuses.
                let channel = connection.create_channel().await?;
                let outcome = match part.is_there(&channel).await {
                    Ok(true) => part.match_or_make(&channel).await,
                    other => other.map(drop),
                };
                problems.extend(outcome.err());
            }
            Ok(problems)
        };
        within_deadline(inspect).await
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
        within_deadline(open).await
    }

    async fn connect(&self, name: &str) -> Result<Connection, BrokerError> {
        let properties = ConnectionProperties::default().with_connection_name(format!("parley {name}").into());
        Ok(Connection::connect_uri(self.0.uri.clone(), properties).await?)
    }
}

/// lapin waits for ever for a broker that is silent.
pub(crate) async fn within_deadline<T>(work: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
    timeout(DEADLINE, work).await.unwrap_or(Err(BrokerError::TimedOut))
}

/// How many messages and consumers a queue has. Without the queue the channel is closed.
pub(crate) async fn look_at(channel: &Channel, queue: &str) -> Result<lapin::Queue, BrokerError> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(queue.into(), passive, FieldTable::default()).await?)
}
