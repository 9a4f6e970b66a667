use std::sync::Arc;

use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::sleep;
use tracing::debug;

use crate::error::BrokerError;
use crate::requests::{FIRST_DELAY, MAX_DELAY, with_timeout};
use crate::topology::Topology;

/// Address and names of a broker.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `amqp://user:password@host:port/vhost`
    pub url: SecretString,
    /// The prefix of exchange and queue names.
    pub namespace: String,
}

const HEARTBEAT_SECONDS: u16 = 15;

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
