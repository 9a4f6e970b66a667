use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::CliError;
use super::reachable::reachable;

/// The server looks at what it needs for two seconds at most.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Why the server is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error("the server at {address} does not answer: {reason}")]
    Unreachable { address: SocketAddr, reason: String },
    #[error("the server at {address} is not ready ({status}): {detail}")]
    NotReady { address: SocketAddr, status: StatusCode, detail: String },
}

/// Asks the server that listens there whether it is ready, and says what it answers.
pub(super) async fn run(listen: SocketAddr) -> Result<(), CliError> {
    let body = ask(reachable(listen)).await?;
    writeln!(io::stdout(), "{body}").map_err(CliError::Output)
}

/// The answer of a server that is ready.
async fn ask(address: SocketAddr) -> Result<String, HealthError> {
    let unreachable = |error: reqwest::Error| HealthError::Unreachable { address, reason: kernel::error_chain(&error) };
    // What is asked is this machine, whatever proxy the environment names.
    let client = Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(unreachable)?;
    let answer = client.get(format!("http://{address}/readyz")).send().await.map_err(unreachable)?;
    let status = answer.status();
    let detail = answer.text().await.map_err(unreachable)?;
    if status.is_success() { Ok(detail) } else { Err(HealthError::NotReady { address, status, detail }) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::http::{self, Check, Readiness};

    struct Database(Result<(), String>);

    #[async_trait]
    impl Readiness for Database {
        async fn check(&self) -> Vec<Check> {
            vec![Check { name: "database", needed: true, state: self.0.clone() }]
        }
    }

    async fn asked(database: Result<(), String>) -> Result<String, HealthError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = http::bind_probes(listener, Arc::new(Database(database))).unwrap();
        let (handle, server) = (server.handle(), tokio::spawn(server));
        let answer = ask(address).await;
        handle.stop(false).await;
        server.await.unwrap().unwrap();
        answer
    }

    #[tokio::test]
    async fn a_server_is_healthy_when_it_is_ready() {
        assert!(asked(Ok(())).await.unwrap().contains("ready"));
    }

    #[tokio::test]
    async fn what_is_missing_is_said() {
        let refused = asked(Err("cannot be reached".to_owned())).await.unwrap_err().to_string();
        assert!(refused.contains("503") && refused.contains("cannot be reached"), "{refused}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unhealthy() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = ask(address).await.unwrap_err();
        assert!(matches!(refused, HealthError::Unreachable { .. }), "{refused}");
    }
}
