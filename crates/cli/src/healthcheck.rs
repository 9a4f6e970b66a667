use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::loopback::loopback;

/// The server checks its dependencies for at most two seconds.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Why the server is not healthy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    #[error("the server at {address} does not respond: {reason}")]
    Unreachable { address: SocketAddr, reason: String },
    #[error("the server at {address} is not ready ({status}): {detail}")]
    NotReady { address: SocketAddr, status: StatusCode, detail: String },
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Requests `/readyz` of the server at that address and prints the response.
pub(super) async fn run(listen: SocketAddr) -> Result<(), HealthError> {
    let body = readiness(loopback(listen)).await?;
    Ok(writeln!(io::stdout(), "{body}")?)
}

/// The response of a server that is ready.
async fn readiness(address: SocketAddr) -> Result<String, HealthError> {
    let unreachable = |error: reqwest::Error| HealthError::Unreachable { address, reason: kernel::error_chain(&error) };
    // The request goes to this machine, so the environment's proxy is ignored.
    let client = Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(unreachable)?;
    let response = client.get(format!("http://{address}/readyz")).send().await.map_err(unreachable)?;
    let status = response.status();
    let detail = response.text().await.map_err(unreachable)?;
    if status.is_success() { Ok(detail) } else { Err(HealthError::NotReady { address, status, detail }) }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The outcome against a server that sends that response.
    async fn checked(response: &'static str) -> Result<String, HealthError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let read = connection.read(&mut [0; 1_024]).unwrap();
            assert!(read > 0);
            connection.write_all(response.as_bytes()).unwrap();
        });
        let outcome = readiness(address).await;
        server.join().unwrap();
        outcome
    }

    #[tokio::test]
    async fn ready_server_is_healthy() {
        let response = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nready";
        assert_eq!(checked(response).await.unwrap(), "ready");
    }

    #[tokio::test]
    async fn unready_server_fails_with_its_reason() {
        let response = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 7\r\nconnection: close\r\n\r\nmissing";
        let error = checked(response).await.unwrap_err().to_string();
        assert!(error.contains("503") && error.contains("missing"), "{error}");
    }

    #[tokio::test]
    async fn unreachable_server_is_unhealthy() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = readiness(address).await.unwrap_err();
        assert!(matches!(error, HealthError::Unreachable { .. }), "{error}");
    }
}
