use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An OTLP/HTTP collector that stores the spans it receives.
pub(super) struct Collector {
    pub(super) endpoint: String,
    spans: Arc<Mutex<Vec<Value>>>,
    /// Stops when it is dropped.
    _tasks: JoinSet<()>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (spans, mut tasks) = (Arc::<Mutex<Vec<Value>>>::default(), JoinSet::new());
        let kept = Arc::clone(&spans);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(receive(stream, Arc::clone(&kept)));
            }
        });
        Self { endpoint, spans, _tasks: tasks }
    }

    /// The received spans, each with its process's resource attributes.
    pub(super) fn spans(&self) -> Vec<Value> {
        self.spans.lock().unwrap().clone()
    }

    pub(super) fn of_trace(&self, trace_id: &str) -> Vec<Value> {
        self.spans().into_iter().filter(|span| span["traceId"] == trace_id).collect()
    }
}

/// Reads one request after another: HTTP/1.1 with a content length, which is all this client sends.
async fn receive(mut stream: TcpStream, spans: Arc<Mutex<Vec<Value>>>) {
    let mut bytes = Vec::new();
    loop {
        let Some((head, length)) = head(&bytes) else {
            if stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                continue;
            }
            return;
        };
        let end = head.len() + length;
        while bytes.len() < end {
            if !stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                return;
            }
        }
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/json\r\n"), "{head}");
        let export: Value = serde_json::from_slice(&bytes[head.len()..end]).unwrap();
        keep(&export, &spans);
        bytes.drain(..end);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The head of a request and the length of its body, once the head is complete.
fn head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    Some((head, length.expect("the request has a content length")))
}

fn keep(export: &Value, spans: &Mutex<Vec<Value>>) {
    for resource in export["resourceSpans"].as_array().unwrap() {
        // Header names are in any order.
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let service = attributes.iter().find(|attribute| attribute["key"] == "service.name");
        assert_eq!(service.unwrap()["value"]["stringValue"], "parley");
        for scope in resource["scopeSpans"].as_array().unwrap() {
            spans.lock().unwrap().extend(scope["spans"].as_array().unwrap().iter().cloned());
        }
    }
}
