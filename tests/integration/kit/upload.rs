//! Uploads of files.

use reqwest::Method;
use serde_json::Value;

use super::client::{Client, Response};

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8_\xcf\x00\x00\x03\xff\x01\x7fo\xd6d\x80\x00\x00\x00\x00IEND\xaeB`\x82";

/// An upload as browsers send it: the name of the field, of the file, its type and its bytes.
pub(crate) type Part<'a> = (&'a str, &'a str, &'a str, &'a [u8]);

pub(crate) async fn post_form(client: &Client, parts: &[Part<'_>]) -> Response {
    let mut body = Vec::new();
    for (field, name, mime_type, bytes) in parts {
        let head = format!(
            "--limit\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\ncontent-type: {mime_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    client
        .with("content-type", "multipart/form-data; boundary=limit")
        .send(Method::POST, "/crm/media", Some(body))
        .await
}

pub(crate) async fn upload(client: &Client, name: &str, mime_type: &str, bytes: &[u8]) -> Value {
    post_form(client, &[("file", name, mime_type, bytes)]).await.json(201)
}
