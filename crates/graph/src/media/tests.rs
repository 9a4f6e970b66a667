use kernel::MediaKind;

use super::*;
use crate::test_server::{Reply, TestServer, json, response};

const NUMBER: &str = "106540352242922";

fn token() -> SecretString {
    SecretString::from("secret-token")
}

fn file(size: usize) -> NewUpload {
    let (mime_type, filename) = ("image/png".to_owned(), "a \"quoted\".png".to_owned());
    NewUpload { kind: MediaKind::Image, mime_type, filename, size: u64::try_from(size).unwrap() }
}

/// Pieces that come one by one; `None` breaks off.
struct Pieces(Vec<Option<&'static [u8]>>);

#[async_trait]
impl ByteSource for Pieces {
    fn size(&self) -> Option<u64> {
        None
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0
            .remove(0)
            .map(|piece| Some(Bytes::from_static(piece)))
            .ok_or_else(|| SourceError("store away".to_owned()))
    }
}

fn pieces(pieces: &[Option<&'static [u8]>]) -> Box<dyn ByteSource> {
    Box::new(Pieces(pieces.to_vec()))
}

#[tokio::test]
async fn description_has_the_size_in_either_form() {
    for size in ["303833", "\"303833\""] {
        let body = format!(
            r#"{{"url": "https://a", "mime_type": "image/jpeg", "sha256": "ab", "file_size": {size}, "id": "7"}}"#
        );
        let mut server = TestServer::start(vec![json("200 OK", &body)]).await;
        let description = server.client().describe(&token(), NUMBER, "7").await.unwrap();
        assert_eq!((description.url.as_str(), description.size), ("https://a", Some(303_833)));
        assert!(server.request().await.starts_with("GET /v25.0/7?phone_number_id=106540352242922 "));
    }
}

#[tokio::test]
async fn file_comes_as_a_stream() {
    let mut server = TestServer::start(vec![Reply::Write(response("200 OK", "", "bytes"))]).await;
    let client = server.client();
    let address = client.url(&["file"]);
    let mut bytes = client.fetch(&token(), address.as_str()).await.unwrap();
    assert_eq!(bytes.size(), Some(5));
    assert_eq!(bytes.next().await.unwrap().unwrap(), "bytes");
    assert_eq!(bytes.next().await.unwrap(), None);
    assert!(server.request().await.to_lowercase().contains("authorization: bearer secret-token"));
}

#[tokio::test]
async fn token_goes_to_no_foreign_host() {
    let mut server = TestServer::start(vec![]).await;
    let client = server.client();
    let port = client.url(&[]).port().unwrap();
    for address in [
        "https://evil.example/a".to_owned(),
        "https://lookaside.fbsbx.com.evil.example/a".to_owned(),
        "http://lookaside.fbsbx.com/a".to_owned(),
        "https://lookaside.fbsbx.com:8443/a".to_owned(),
        "https://xlookaside.fbsbx.com/a".to_owned(),
        format!("http://localhost:{port}/a"),
        format!("http://user@127.0.0.1:{port}/a"),
        "file:///etc/passwd".to_owned(),
        "no address".to_owned(),
    ] {
        let fetched = client.fetch(&token(), &address).await;
        assert!(matches!(fetched, Err(MediaApiError::ForeignAddress)), "{address}");
    }
    assert_eq!(server.arrived(), Vec::<String>::new());
    assert!(client.meta_address("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1").is_some());
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let head = "location: http://127.0.0.1:1/elsewhere\r\n";
    let mut server = TestServer::start(vec![Reply::Write(response("302 Found", head, ""))]).await;
    let client = server.client();
    let fetched = client.fetch(&token(), client.url(&["file"]).as_str()).await;
    assert!(matches!(fetched, Err(MediaApiError::ForeignAddress)));
    server.request().await;
    assert_eq!(server.arrived(), Vec::<String>::new());
}

#[tokio::test]
async fn answers_without_a_file_are_told_apart() {
    let replies = vec![
        Reply::Write(response("404 Not Found", "", "<html>")),
        json("401 Unauthorized", r#"{"error": {"code": 190, "message": "no secret-token"}}"#),
        Reply::Reset,
    ];
    let server = TestServer::start(replies).await;
    let client = server.client();
    let address = client.url(&["file"]);
    let mut errors = Vec::new();
    for _ in 0..3 {
        errors.push(client.fetch(&token(), address.as_str()).await.err().unwrap());
    }
    assert_eq!(errors[0], MediaApiError::Status(404));
    assert!(matches!(&errors[1], MediaApiError::Refused(error) if error.code == Some(190)));
    assert!(matches!(&errors[2], MediaApiError::Silent(_)));
    assert!(errors.iter().all(|error| !error.to_string().contains("secret-token")));
}

#[tokio::test]
async fn upload_is_a_form_with_the_length_of_the_file() {
    let mut server = TestServer::start(vec![json("200 OK", r#"{"id": "7"}"#)]).await;
    let id = server.client().upload(&token(), NUMBER, &file(7), pieces(&[Some(b"pic"), Some(b"ture")])).await;
    assert_eq!(id, Ok("7".to_owned()));
    let request = server.request().await;
    assert!(request.starts_with("POST /v25.0/106540352242922/media "));
    for part in
        ["name=\"messaging_product\"\r\n\r\nwhatsapp", "name=\"type\"\r\n\r\nimage/png", "picture", "content-length: "]
    {
        assert!(request.to_lowercase().contains(part), "{part}: {request}");
    }
}

#[tokio::test]
async fn upload_whose_bytes_break_off_says_so() {
    let server = TestServer::start(vec![json("200 OK", r#"{"id": "7"}"#)]).await;
    let failed = server.client().upload(&token(), NUMBER, &file(7), pieces(&[Some(b"pic"), None])).await;
    assert_eq!(failed, Err(MediaApiError::Source(SourceError("store away".to_owned()))));
}

#[tokio::test]
async fn deleted_file_may_be_gone_already() {
    let gone = r#"{"error": {"code": 100, "error_subcode": 33, "message": "no object"}}"#;
    let denied = r#"{"error": {"code": 10, "message": "denied"}}"#;
    let replies =
        vec![json("200 OK", r#"{"success": true}"#), json("400 Bad Request", gone), json("403 Forbidden", denied)];
    let server = TestServer::start(replies).await;
    let client = server.client();
    assert_eq!(client.delete(&token(), NUMBER, "7").await, Ok(()));
    assert_eq!(client.delete(&token(), NUMBER, "7").await, Ok(()));
    assert!(matches!(client.delete(&token(), NUMBER, "7").await, Err(MediaApiError::Refused(_))));
}

#[tokio::test]
async fn example_is_uploaded_in_two_calls() {
    let replies = vec![json("200 OK", r#"{"id": "upload:MTph?sig=AR"}"#), json("200 OK", r#"{"h": "4:abc"}"#)];
    let mut server = TestServer::start(replies).await;
    let handle = server.client().upload_example(&token(), "42", &file(7), pieces(&[Some(b"picture")])).await;
    assert_eq!(handle, Ok("4:abc".to_owned()));
    let begun = server.request().await;
    assert!(begun.starts_with("POST /v25.0/42/uploads?file_name="), "{begun}");
    assert!(begun.contains("file_length=7&file_type=image%2Fpng"), "{begun}");
    let sent = server.request().await.to_lowercase();
    assert!(sent.starts_with("post /v25.0/upload:mtph?sig=ar "), "{sent}");
    for part in ["authorization: oauth secret-token", "file_offset: 0", "content-length: 7", "\r\n\r\npicture"] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
}
