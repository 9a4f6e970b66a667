//! The memory of the API process, whatever its clients do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::kit::deployment::Server;
use crate::kit::fault_setup::FaultSetup;

const MIB: usize = 1024 * 1024;

/// What 500 connections may cost besides the budget for bodies: buffers of the framework and of tasks.
const CONNECTIONS_MIB: usize = 80;

/// A delivery of 4 MiB that never ends. Its signature has the right form, so only the whole body could tell that it is wrong.
fn begin_delivery(server: &Server, sent: usize) -> TcpStream {
    let mut connection = TcpStream::connect(server.client.base().trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /webhooks/whatsapp HTTP/1.1\r\nhost: parley\r\ncontent-length: {}\r\nx-hub-signature-256: sha256={}\r\n\r\n",
        4 * MIB,
        "0".repeat(64)
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    // A server that has refused the request reads no more of it.
    let _ = connection.write_all(&vec![b' '; sent]);
    connection
}

/// A MiB each is far more than the budget: the rest gets 503, and the process stays small. Afterwards all is as before.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn slow_bodies_on_500_connections_stay_in_their_budget() {
    let mut setup = FaultSetup::new().await;
    let server = setup.deployment.serve_with("api,relay,worker", &[("PARLEY_HTTP_MAX_BODY_MIB", "16")]).await;
    setup.send_to(&[&server]);
    let body = setup.sender.delivery(1);
    setup.sender.deliver(0, body).await;
    let before = server.peak_memory();
    let connections = tokio::task::block_in_place(|| {
        let begin = |_| begin_delivery(&server, MIB);
        (0..500).map(begin).collect::<Vec<_>>()
    });
    let grown = server.peak_memory() - before;
    assert!(grown < (16 + CONNECTIONS_MIB) * MIB, "grown by {} MiB", grown / MIB);
    let refused = connections.iter().filter(|connection| {
        let mut connection: &TcpStream = connection;
        connection.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).is_ok() && answer == *b"HTTP/1.1 503"
    });
    let refused = tokio::task::block_in_place(|| refused.count());
    assert!(refused >= 400, "{refused} were refused");
    // A usual delivery is accepted meanwhile.
    let body = setup.sender.delivery(1);
    assert!(setup.sender.post(0, &body).await);
    drop(connections);
    setup.settle(0).await;
    setup.shut_down([server]).await;
}
