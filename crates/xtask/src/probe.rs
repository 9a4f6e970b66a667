//! Is it ready? Asked in the few bytes of each protocol that answer the question, so that no client has to be installed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const MAX_WAIT: Duration = Duration::from_secs(2);

fn connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), MAX_WAIT).ok()?;
    stream.set_read_timeout(Some(MAX_WAIT)).ok()?;
    stream.set_write_timeout(Some(MAX_WAIT)).ok()?;
    Some(stream)
}

/// Postgres accepts connections before it serves them; only one that would log us in asks for a password (`R`),
/// while one that is still starting answers with an error (`E`).
pub(crate) fn postgres(port: u16) -> bool {
    // Protocol 3.0 start-up message: length, version, then name and value pairs, each ended by a zero byte.
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let mut message = Vec::new();
    message.extend(u32::try_from(8 + parameters.len()).unwrap_or_default().to_be_bytes());
    message.extend(196_608_u32.to_be_bytes());
    message.extend(parameters);
    let answer = connect(port).and_then(|mut stream| {
        let mut first = [0; 1];
        stream.write_all(&message).ok()?;
        stream.read_exact(&mut first).ok()?;
        Some(first[0])
    });
    answer == Some(b'R')
}

/// The version of a RabbitMQ that is ready: it opens its listeners last, and names its version in the first frame.
pub(crate) fn rabbitmq(port: u16) -> Option<String> {
    let mut stream = connect(port)?;
    stream.write_all(b"AMQP\0\0\x09\x01").ok()?;
    let mut header = [0; 7];
    stream.read_exact(&mut header).ok()?;
    let size = u32::from_be_bytes([header[3], header[4], header[5], header[6]]);
    let mut frame = vec![0; usize::try_from(size.min(65_536)).ok()?];
    stream.read_exact(&mut frame).ok()?;
    version_property(&frame)
}

/// Finds the long string `version` in the table of server properties (AMQP 0-9-1, Connection.Start).
fn version_property(frame: &[u8]) -> Option<String> {
    let key = b"\x07versionS";
    let start = frame.windows(key.len()).position(|window| window == key)? + key.len();
    let length = u32::from_be_bytes(frame.get(start..start + 4)?.try_into().ok()?);
    let value = frame.get(start + 4..start + 4 + usize::try_from(length).ok()?)?;
    String::from_utf8(value.to_vec()).ok()
}

/// The status of `GET path`, if there is an HTTP server.
pub(crate) fn http_status(port: u16, path: &str) -> Option<u16> {
    let mut stream = connect(port)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    // To the end: hanging up in the middle of an answer would be an error in the server's log.
    let mut answer = Vec::new();
    stream.take(65_536).read_to_end(&mut answer).ok()?;
    let mut words = answer.splitn(3, |byte| *byte == b' ');
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

/// `3.10.8` is at least `[3, 10]`.
pub(crate) fn at_least(version: &str, wanted: [u32; 2]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    [parts.next().unwrap_or(0), parts.next().unwrap_or(0)] >= wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn versions_compare_by_number() {
        assert!(at_least("3.10.8", [3, 10]));
        assert!(at_least("4.0.2", [3, 10]));
        assert!(!at_least("3.9.13", [3, 10]));
        assert!(!at_least("", [3, 10]));
    }

    #[test]
    fn version_is_found_among_the_server_properties() {
        let frame = b"\0\x0a\0\x0a\0\x09\0\0\0\x30\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8\0";
        assert_eq!(version_property(frame).as_deref(), Some("3.10.8"));
        assert_eq!(version_property(b"\x07versionS\0\0\0\xff3.1"), None);
    }

    /// A server that sends `answer` to one client.
    fn one_shot(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _request = stream.read(&mut [0; 512]);
            stream.write_all(answer).unwrap();
        });
        port
    }

    #[test]
    fn starting_database_is_not_ready() {
        assert!(!postgres(one_shot(b"E\0\0\0\x08SFATAL")));
        assert!(postgres(one_shot(b"R\0\0\0\x17\0\0\0\x0a")));
    }

    #[test]
    fn status_line_is_read() {
        assert_eq!(http_status(one_shot(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), "/readyz"), Some(503));
        assert_eq!(http_status(one_shot(b"220 mail.example ESMTP\r\n"), "/readyz"), None);
    }
}
