use std::sync::Arc;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, runtime};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::sleep;
use tracing::debug;

use crate::error::BrokerError;
use crate::requests::{FIRST_DELAY, MAX_DELAY, with_timeout};
use crate::topology::Topology;

/// Address and names of a broker.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `amqp://user:password@host:port/vhost`, or with `amqps`
    pub url: SecretString,
    /// The prefix of exchange and queue names.
    pub namespace: String,
    pub tls: BrokerTls,
}

/// What an `amqps` connection uses besides the certificates that the system trusts.
#[derive(Clone, Debug, Default)]
pub struct BrokerTls {
    /// Certificates of authorities, in PEM format.
    pub authorities: Option<String>,
    pub identity: Option<ClientIdentity>,
}

/// A client certificate.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// In PEM format, followed by the certificates of intermediate authorities.
    pub certificate: String,
    /// PKCS #8 in PEM format.
    pub private_key: SecretString,
}

impl BrokerTls {
    /// Made for each connection and not kept: its `Debug` shows the private key.
    fn for_driver(&self) -> OwnedTLSConfig {
        OwnedTLSConfig {
            identity: self.identity.as_ref().map(|identity| OwnedIdentity::PKCS8 {
                pem: identity.certificate.clone().into_bytes(),
                key: identity.private_key.expose_secret().as_bytes().to_vec(),
            }),
            cert_chain: self.authorities.clone(),
        }
    }
}

const HEARTBEAT_SECONDS: u16 = 15;

/// A RabbitMQ broker; makes publishers and consumers. They connect on first use.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    uri: AMQPUri,
    tls: BrokerTls,
    topology: Topology,
}

impl Broker {
    /// # Errors
    /// [`BrokerError::Url`].
    pub fn new(config: &BrokerConfig) -> Result<Self, BrokerError> {
        let mut uri: AMQPUri = config.url.expose_secret().parse().map_err(BrokerError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        let (tls, topology) = (config.tls.clone(), Topology::new(&config.namespace));
        Ok(Self(Arc::new(Inner { uri, tls, topology })))
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
        let (uri, tls) = (self.0.uri.clone(), self.0.tls.for_driver());
        Ok(Connection::connect_uri_with_config(uri, properties, tls, runtime::default_runtime()?).await?)
    }
}
