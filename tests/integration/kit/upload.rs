//! Uploads of files.

use reqwest::Method;
use serde_json::Value;

use super::client::{Client, Response};

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa75\x81\x84\0\0\0\0IEND\xaeB`\x82";

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
