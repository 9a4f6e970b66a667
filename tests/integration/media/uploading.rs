//! Files that people upload and download.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Setup;
use crate::kit::client::Client;
use crate::kit::upload::{PNG, Part, post_form, upload};

fn path(file: &Value) -> String {
    format!("/crm/media/{}", file["id"].as_str().unwrap())
}

/// Status, headers and bytes of a file.
async fn download(client: &Client, path: &str) -> (StatusCode, reqwest::header::HeaderMap, Vec<u8>) {
    let answer = client.stream(path).await;
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_file_is_shown_and_downloaded() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let file = upload(client, "a.png", "image/png", PNG).await;
    assert_eq!(
        (&file["mime_type"], &file["state"], &file["filename"]),
        (&json!("image/png"), &json!("stored"), &json!("a.png"))
    );
    assert_eq!(file["size"], PNG.len());
    let read: Value = client.get(&path(&file)).await.json(200);
    assert_eq!(read["sha256"], file["sha256"]);
    let (status, headers, bytes) = download(client, &format!("{}/content", path(&file))).await;
    assert_eq!((status.as_u16(), bytes.as_slice()), (200, PNG));
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["content-length"], PNG.len().to_string());
    assert_eq!(headers["content-disposition"], "inline; filename=\"a.png\"");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("sandbox;"));
    assert_eq!(headers["etag"], format!("\"{}\"", file["sha256"].as_str().unwrap()));
    // The same bytes again: another file, one object.
    let again = upload(client, "b.png", "image/png", PNG).await;
    assert_ne!(again["id"], file["id"]);
    let objects = setup.app.database.count("SELECT count(*) FROM media_objects").await;
    assert_eq!(objects, 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_conditions_are_honoured() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let bytes: Vec<u8> = (0..100_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let file = upload(client, "a.bin", "application/octet-stream", &bytes).await;
    let content = format!("{}/content", path(&file));
    for (range, first, end) in [("bytes=0-0", 0, 1), ("bytes=99990-", 99_990, 100_000), ("bytes=-5", 99_995, 100_000)] {
        let (status, headers, part) = download(&client.with("range", range), &content).await;
        assert_eq!(status.as_u16(), 206, "{range}");
        assert_eq!(headers["content-range"], format!("bytes {first}-{}/100000", end - 1));
        assert!(part == bytes[first..end], "{range}");
    }
    let (status, headers, _) = download(&client.with("range", "bytes=100000-"), &content).await;
    assert_eq!((status.as_u16(), headers["content-range"].to_str().unwrap()), (416, "bytes */100000"));
    let tag = format!("\"{}\"", file["sha256"].as_str().unwrap());
    let (status, _, none) = download(&client.with("if-none-match", &tag), &content).await;
    assert_eq!((status.as_u16(), none.len()), (304, 0));
    let other = client.with("range", "bytes=0-0").with("if-range", "\"other\"");
    assert_eq!(download(&other, &content).await.0.as_u16(), 200);
    let same = client.with("range", "bytes=0-0").with("if-range", &tag);
    assert_eq!(download(&same, &content).await.0.as_u16(), 206);
    let head = client.send(Method::HEAD, &content, None).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.headers["content-length"], "100000");
    assert_eq!(head.headers["accept-ranges"], "bytes");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_file_is_a_harmless_attachment() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let html: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    let svg: &[u8] =
        b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let polyglot: &[u8] = b"%PDF-1.4\n<script>alert(1)</script>";
    for (name, declared, bytes) in [
        ("../../etc/cron.d/evil.html", "text/html", html),
        ("evil.svg", "image/svg+xml", svg),
        ("evil.png", "image/png", svg),
        ("exe\u{202e}gnp.html", "image/png", html),
        ("a.pdf", "image/jpeg", polyglot),
    ] {
        let file = upload(client, name, declared, bytes).await;
        let (status, headers, stored) = download(client, &format!("{}/content", path(&file))).await;
        assert_eq!((status.as_u16(), stored.as_slice()), (200, bytes), "{name}");
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; filename=\""), "{name}: {disposition}");
        for part in ["/", "..", "\u{202e}"] {
            assert!(!file["filename"].as_str().unwrap().contains(part), "{file}");
        }
        let kind = headers["content-type"].to_str().unwrap();
        assert!(["application/octet-stream", "application/pdf"].contains(&kind), "{name}: {kind}");
        client.get(&format!("{}/thumbnail", path(&file))).await.problem(422, "no_thumbnail");
    }
    // A picture of 50,000 x 50,000 pixels is served, and never decoded.
    let mut bomb = PNG.to_vec();
    bomb[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let file = upload(client, "bomb.png", "image/png", &bomb).await;
    client.get(&format!("{}/thumbnail", path(&file))).await.problem(422, "no_thumbnail");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_upload_is_refused() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let pointer = async |parts: &[Part<'_>]| {
        post_form(client, parts).await.problem(422, "validation_failed").pointer().to_owned()
    };
    let file = ("file", "a.png", "image/png", PNG);
    assert_eq!(pointer(&[file, file]).await, "/file");
    assert_eq!(pointer(&[("picture", "a.png", "image/png", PNG)]).await, "/picture");
    assert_eq!(pointer(&[file, ("note", "n", "text/plain", b"x")]).await, "/note");
    assert_eq!(pointer(&[("file", "a.png", "image/png", b"")]).await, "/file");
    client.post("/crm/media", &json!({})).await.problem(415, "unsupported_media_type");
    let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm";
    let refused = post_form(client, &[("file", "voice.webm", "audio/webm", webm)]).await;
    assert!(refused.text.contains("audio/ogg"), "{}", refused.text);
    refused.problem(415, "unsupported_media_type");
    let cut = b"--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc".to_vec();
    let form = client.with("content-type", "multipart/form-data; boundary=limit");
    form.send(Method::POST, "/crm/media", Some(cut)).await.problem(400, "incomplete_body");
    assert_eq!(setup.app.database.count("SELECT count(*) FROM media").await, 0);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_beyond_the_limit_is_refused_and_leaves_nothing() {
    let setup = Setup::new().await;
    let huge = vec![7; 100 * 1024 * 1024 + 1];
    let refused = post_form(&setup.tenant.client, &[("file", "a.bin", "application/octet-stream", &huge)]).await;
    refused.problem(413, "body_too_large");
    let left = std::fs::read_dir(setup.folder.join("unfinished")).map_or(0, Iterator::count);
    assert_eq!((left, setup.app.database.count("SELECT count(*) FROM media").await), (0, 0));
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_another_tenant_is_as_unknown_as_none() {
    let setup = Setup::new().await;
    let file = upload(&setup.tenant.client, "a.png", "image/png", PNG).await;
    let other = setup.app.tenant().await;
    let unknown = "0190b5a2-7e2f-7000-8000-000000000000";
    for id in [file["id"].as_str().unwrap(), unknown, file["sha256"].as_str().unwrap()] {
        for tail in ["", "/content", "/thumbnail"] {
            other.client.get(&format!("/crm/media/{id}{tail}")).await.problem(404, "not_found");
        }
        other.client.send(Method::POST, &format!("/crm/media/{id}/retry"), None).await.problem(404, "not_found");
    }
    let retry = format!("{}/retry", path(&file));
    setup.tenant.client.send(Method::POST, &retry, None).await.problem(409, "media_not_retryable");
    // The same bytes of another tenant are an object of its own.
    upload(&other.client, "a.png", "image/png", PNG).await;
    assert_eq!(setup.app.database.count("SELECT count(*) FROM media_objects").await, 2);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_upload_is_one_file() {
    let setup = Setup::new().await;
    let client = setup.tenant.client.with("idempotency-key", "picture-1");
    let first = upload(&client, "a.png", "image/png", PNG).await;
    let again = post_form(&client, &[("file", "a.png", "image/png", PNG)]).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.json(201)["id"], first["id"]);
    let other = post_form(&client, &[("file", "b.png", "image/png", PNG)]).await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!(setup.app.database.count("SELECT count(*) FROM media").await, 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_is_away_is_told_and_comes_back() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let file = upload(client, "a.png", "image/png", PNG).await;
    let content = format!("{}/content", path(&file));
    let away = setup.folder.with_extension("away");
    std::fs::rename(&setup.folder, &away).unwrap();
    client.get(&content).await.problem(503, "temporarily_unavailable");
    let refused = post_form(client, &[("file", "b.png", "image/png", PNG)]).await;
    refused.problem(503, "temporarily_unavailable");
    std::fs::rename(&away, &setup.folder).unwrap();
    assert_eq!(download(client, &content).await.2, PNG);
    setup.app.finish().await;
}
