//! Large files, up and down.

use reqwest::Method;
use serde_json::Value;

use crate::kit::deployment::Deployment;
use crate::kit::sending_setup::sign_up;

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
    let small = upload(&tenant.client, &vec![9; 1_000_000]).await;
    assert_eq!(download(&tenant.client, &small).await, 1_000_000);
    let rest = server.peak_memory();
    for byte in 0..FILES {
        let file = upload(&tenant.client, &vec![byte; FILE]).await;
        assert_eq!(download(&tenant.client, &file).await, FILE);
    }
    let grown = server.peak_memory() - rest;
    assert!(grown < LIMIT, "the memory grew by {grown} bytes");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

async fn upload(client: &crate::kit::client::Client, bytes: &[u8]) -> String {
    let mut body = b"--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n".to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--limit--\r\n");
    let form = client.with("content-type", "multipart/form-data; boundary=limit");
    let file: Value = form.send(Method::POST, "/crm/media", Some(body)).await.json(201);
    file["id"].as_str().unwrap().to_owned()
}

async fn download(client: &crate::kit::client::Client, id: &str) -> usize {
    let mut answer = client.stream(&format!("/crm/media/{id}/content")).await;
    assert_eq!(answer.status().as_u16(), 200);
    let mut size = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        size += piece.len();
    }
    size
}
