//! Large files, up and down.

use crate::kit::client::Client;
use crate::kit::deployment::Deployment;
use crate::kit::sending_setup::sign_up;
use crate::kit::upload::upload;

/// Two files make 200 MB, each way.
const FILE: usize = 100_000_000;
const FILES: u8 = 2;
/// The memory of the server may grow by so much.
const LIMIT: usize = 20 * 1024 * 1024;

/// The server holds pieces of files, never a file.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn files_of_200_mb_pass_at_constant_memory() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    let tenant = sign_up(&server.client).await;
    // Once, so that pools and buffers are there.
    let small = upload_bytes(&tenant.client, &vec![9; 1_000_000]).await;
    assert_eq!(download(&tenant.client, &small).await, 1_000_000);
    let rest = server.peak_memory();
    for byte in 0..FILES {
        let file = upload_bytes(&tenant.client, &vec![byte; FILE]).await;
        assert_eq!(download(&tenant.client, &file).await, FILE);
    }
    let grown = server.peak_memory() - rest;
    assert!(grown < LIMIT, "the memory grew by {grown} bytes");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

async fn upload_bytes(client: &Client, bytes: &[u8]) -> String {
    let file = upload(client, "a.bin", "application/octet-stream", bytes).await;
    file["id"].as_str().unwrap().to_owned()
}

async fn download(client: &Client, id: &str) -> usize {
    let mut answer = client.stream(&format!("/crm/media/{id}/content")).await;
    assert_eq!(answer.status().as_u16(), 200);
    let mut size = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        size += piece.len();
    }
    size
}
