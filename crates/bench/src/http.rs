//! HTTP/1.1 as a load generator needs it: a request is bytes that are ready, a connection is kept, and an answer is a status
//! and a body. The generator has the machine together with what it measures, so it does nothing else.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::{Result, fail};

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + body.len());
    bytes.extend_from_slice(format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n").as_bytes());
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(4_096) })
    }

    /// Where it leads.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and waits for the whole answer, of which it returns the status.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<u16> {
        Ok(self.exchange(request).await?.status)
    }

    /// The JSON of an answer with any status of success.
    pub(crate) async fn any_json(&mut self, request: &[u8]) -> Result<Value> {
        let head = self.exchange(request).await?;
        let body = &self.buffer[head.body..head.body + head.length];
        if !(200..300).contains(&head.status) {
            return fail(format!("answered {}: {}", head.status, String::from_utf8_lossy(body)));
        }
        Ok(serde_json::from_slice(body).unwrap_or(Value::Null))
    }

    /// The same; an answer with another status is an error, and this one is JSON.
    pub(crate) async fn json(&mut self, request: &[u8], status: u16) -> Result<Value> {
        let head = self.exchange(request).await?;
        let body = &self.buffer[head.body..head.body + head.length];
        if head.status != status {
            return fail(format!("answered {}: {}", head.status, String::from_utf8_lossy(body)));
        }
        Ok(serde_json::from_slice(body)?)
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return fail("the server hung up");
            }
            if let Some(head) = head(&self.buffer)?
                && self.buffer.len() >= head.body + head.length
            {
                return Ok(head);
            }
        }
    }
}

fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = answer.parse(bytes)? else { return Ok(None) };
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let Some(length) = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()) else {
        return fail("an answer without a length");
    };
    Ok(Some(Head { status: answer.code.unwrap_or_default(), length, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_is_read_once_it_is_complete() {
        assert!(head(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap().is_none());
        let Head { status, length, body } = head(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno").unwrap().unwrap();
        assert_eq!((status, length, body), (503, 2, 38));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn request_has_its_content_length() {
        let text = String::from_utf8(request("POST", "/a", &[("X-B", "c")], b"body")).unwrap();
        assert_eq!(text, "POST /a HTTP/1.1\r\nHost: bench\r\nX-B: c\r\nContent-Length: 4\r\n\r\nbody");
    }
}
