//! The memory of the API process, whatever its clients do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::backlog;
use crate::kit::client::Client;
use crate::kit::deployment::Server;
use crate::kit::fault_setup::FaultSetup;
use crate::kit::meta::Number;
use crate::kit::wait;

const MIB: usize = 1024 * 1024;

/// A container of the example deployment has more than twice as much.
const API_MEMORY: u64 = 200 << 20;
/// The limit counts stacks of threads that are hardly used.
const ALL_ROLES_MEMORY: u64 = 320 << 20;

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
    setup.deployment.memory_limit = Some(ALL_ROLES_MEMORY);
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
    let accepted = setup.sender.post(0, &body).await;
    assert!(accepted, "{:?}", setup.sender.journal());
    drop(connections);
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// Reads all messages of the tenant, page by page. Returns their number and the bytes of the longest page.
async fn read_messages(client: &Client, query: &str) -> (usize, usize) {
    let conversations: Value = client.get("/crm/conversations").await.json(200);
    let path = format!("/crm/conversations/{}/messages", conversations["data"][0]["id"].as_str().unwrap());
    let (mut read, mut longest, mut after) = (0, 0, String::new());
    loop {
        let answer = client.get(&format!("{path}?limit=100{query}{after}")).await;
        longest = longest.max(answer.text.len());
        let page: Value = answer.json(200);
        read += page["data"].as_array().unwrap().len();
        let Some(cursor) = page["next_cursor"].as_str() else { return (read, longest) };
        after = format!("&cursor={cursor}");
    }
}

/// A page holds no more than a message and a MiB, with payloads or without.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn api_with_little_memory_reads_100_messages_of_4_mb() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    let token = server.client.sign_up("acme").await.access_token;
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    server.client.with_token(&token).post("/whatsapp-accounts", &account).await.json(201);
    backlog::insert_of(&setup.deployment.database, &number, 1, 100, 4_000_000).await;
    wait::within(Duration::from_mins(2), "all events to be processed", async || {
        (setup.events("status = 'processed'").await == 100).then_some(())
    })
    .await;
    server.signal("TERM");
    assert!(server.exit().await.success());

    setup.deployment.memory_limit = Some(API_MEMORY);
    let server = setup.serve_as("api").await;
    let client = server.client.with_token(&token);
    let readers = ["", "&include=payload", "", "&include=payload"].map(|query| read_messages(&client, query));
    for (read, longest) in join_all(readers).await {
        assert_eq!(read, 100);
        assert!(longest < 5 * MIB, "a page of {} MiB", longest / MIB);
    }
    setup.shut_down([server]).await;
}
