//! A TCP server that gives a prepared reply to each request.

use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::{GraphClient, GraphEndpoint};

/// What the server does after it has read a request.
pub(crate) enum Reply {
    /// Writes these bytes and keeps the connection.
    Write(String),
    /// Writes these bytes and closes the connection.
    WriteAndClose(String),
    /// Says nothing, and keeps the connection.
    Hang,
    /// Resets the connection.
    Reset,
}

/// A server on a free port. It stops with the test's runtime.
pub(crate) struct TestServer {
    url: Url,
    requests: mpsc::UnboundedReceiver<String>,
}

/// A server that does not serve yet.
pub(crate) struct BoundServer {
    url: Url,
    listener: TcpListener,
}

impl BoundServer {
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Serves one connection after the other, until there are no replies left.
    pub(crate) fn serve(self, replies: Vec<Reply>) -> TestServer {
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut replies = replies.into_iter();
            let mut kept = Vec::new();
            while replies.len() > 0 {
                let (stream, _) = self.listener.accept().await.unwrap();
                kept.extend(serve(stream, &mut replies, &sender).await);
            }
            // The connections stay open until the test ends.
            std::future::pending::<()>().await;
        });
        TestServer { url: self.url, requests }
    }
}

impl TestServer {
    pub(crate) async fn bind() -> BoundServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        BoundServer { url, listener }
    }

    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        Self::bind().await.serve(replies)
    }

    pub(crate) fn client(&self) -> GraphClient {
        client(self.url.clone(), Duration::from_secs(30))
    }

    pub(crate) fn impatient_client(&self) -> GraphClient {
        client(self.url.clone(), Duration::from_millis(200))
    }

    /// The next request as it arrived.
    pub(crate) async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// Further requests that have arrived.
    pub(crate) fn arrived(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

pub(crate) fn client(url: Url, timeout: Duration) -> GraphClient {
    GraphClient::with_timeout(GraphEndpoint { url, version: "v25.0".to_owned() }, timeout).unwrap()
}

/// An answer with a JSON body.
pub(crate) fn json(status: &str, body: &str) -> Reply {
    Reply::Write(response(status, "content-type: application/json\r\n", body))
}

pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Serves requests of a connection. Returns it if it is to stay open although no request of it is answered any more.
async fn serve(
    mut stream: TcpStream,
    replies: &mut std::vec::IntoIter<Reply>,
    requests: &mpsc::UnboundedSender<String>,
) -> Option<TcpStream> {
    loop {
        let request = read_request(&mut stream).await?;
        requests.send(request).ok();
        match replies.next() {
            Some(Reply::Write(text)) => stream.write_all(text.as_bytes()).await.unwrap(),
            Some(Reply::WriteAndClose(text)) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                return None;
            }
            Some(Reply::Reset) => {
                stream.set_zero_linger().unwrap();
                return None;
            }
            Some(Reply::Hang) | None => return Some(stream),
        }
    }
}

/// Headers and body; `None` when the client closes.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}
