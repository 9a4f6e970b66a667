//! Connecting to Postgres. The pools, migrations and `parley check` all connect here, so that encryption is decided in one place.

use diesel_async::AsyncPgConnection;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_url::{self, DatabaseUrlError};
use crate::tls;

/// Where and how to connect. The file of `sslrootcert` is read once, when this is made.
#[derive(Clone)]
pub(crate) struct Connector {
    driver: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

/// Why a connection could not be opened. Never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// The server does not encrypt, or its certificate is not accepted.
    #[error("the encrypted connection failed: {0}")]
    Encryption(String),
    #[error("{0}")]
    Other(String),
}

impl Connector {
    pub(crate) fn new(url: &SecretString) -> Result<Self, DatabaseUrlError> {
        let (driver, encryption) = database_url::parse(url.expose_secret())?;
        let tls = tls::connector(&encryption, driver.get_ssl_negotiation())?;
        Ok(Self { driver, tls })
    }

    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, ConnectFailure> {
        let connection = match &self.tls {
            None => {
                let (client, connection) = self.driver.connect(NoTls).await.map_err(|error| explain(&error))?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            Some(tls) => {
                let (client, connection) = self.driver.connect(tls.clone()).await.map_err(|error| explain(&error))?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        };
        connection.map_err(|error| ConnectFailure::Other(kernel::error_chain(&error)))
    }
}

/// The driver does not export the kinds of its errors.
const TLS_FAILED: &str = "error performing TLS handshake";

fn explain(error: &tokio_postgres::Error) -> ConnectFailure {
    if let Some(refused) = error.as_db_error() {
        return ConnectFailure::Other(refused.message().to_owned());
    }
    let text = kernel::error_chain(error);
    match text.strip_prefix(TLS_FAILED) {
        Some(reason) => ConnectFailure::Encryption(reason.trim_start_matches(": ").to_owned()),
        None => ConnectFailure::Other(text),
    }
}
