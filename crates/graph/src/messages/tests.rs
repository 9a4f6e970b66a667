use std::time::Duration;

use outbound::{CallOutcome, Credentials, MessagingApi};
use tokio::net::TcpListener;

use crate::answer::MAX_ANSWER_BYTES;
use crate::test_server::{Reply, TestServer, client, json, response};

const TOKEN: &str = "EAAtoken";
const ACCEPTED: &str = r#"{"messaging_product": "whatsapp", "contacts": [{"input": "+15550001", "wa_id": "15550001"}],
    "messages": [{"id": "wamid.A", "message_status": "accepted"}]}"#;

fn credentials() -> Credentials {
    Credentials { phone_number_id: "106540352242922".to_owned(), access_token: TOKEN.into() }
}

/// What a call shows that gets this reply. Each is made once.
async fn outcome_of(reply: Reply) -> CallOutcome {
    let mut server = TestServer::start(vec![reply, json("200 OK", ACCEPTED)]).await;
    let outcome = server.client().post_message(&credentials(), "{}").await;
    server.request().await;
    assert_eq!(server.arrived().len(), 0, "{outcome:?}");
    outcome
}

fn accepted(wamid: Option<&str>, phone: Option<&str>) -> CallOutcome {
    CallOutcome::Accepted { wamid: wamid.map(str::to_owned), wa_id: phone.map(str::to_owned) }
}

/// The HTTP status and the reason of an unclear outcome.
fn unclear(outcome: CallOutcome) -> (Option<u16>, String) {
    let CallOutcome::Unclear { http_status, reason } = outcome else { panic!("{outcome:?}") };
    (http_status, reason)
}

#[tokio::test]
async fn request_has_path_token_and_body() {
    let mut server = TestServer::start(vec![json("200 OK", ACCEPTED)]).await;
    server.client().post_message(&credentials(), r#"{"a": "b"}"#).await;
    let request = server.request().await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v25.0/106540352242922/messages HTTP/1.1\r\n"), "{head}");
    for line in ["authorization: Bearer EAAtoken", "content-type: application/json", "user-agent: parley/"] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(body, r#"{"a": "b"}"#);
}

#[tokio::test]
async fn readable_id_is_accepted() {
    for status in ["200 OK", "201 Created"] {
        assert_eq!(outcome_of(json(status, ACCEPTED)).await, accepted(Some("wamid.A"), Some("15550001")));
    }
    let by_bsuid = r#"{"contacts": [{"input": "US.1", "user_id": "US.1"}], "messages": [{"id": "wamid.B"}], "x": 1}"#;
    assert_eq!(outcome_of(json("200 OK", by_bsuid)).await, accepted(Some("wamid.B"), None));
    assert_eq!(outcome_of(json("200 OK", r#"{"success": true}"#)).await, accepted(None, None));
}

#[tokio::test]
async fn graph_error_is_refused_whatever_the_status() {
    let body = r#"{"error": {"message": "Rate limit", "code": 130429, "fbtrace_id": "T"}}"#;
    for (status, number) in
        [("400 Bad Request", 400), ("429 Too Many Requests", 429), ("500 Internal Server Error", 500)]
    {
        let reply = Reply::Write(response(status, "retry-after: 9\r\n", body));
        let CallOutcome::Refused(error) = outcome_of(reply).await else { panic!("{status}") };
        assert_eq!((error.http_status, error.code), (Some(number), Some(130_429)));
        assert_eq!((error.title.as_str(), error.trace_id.as_deref()), ("Rate limit", Some("T")));
        assert_eq!(error.retry_after, Some(Duration::from_secs(9)));
    }
}

#[tokio::test]
async fn answer_that_says_neither_is_unclear() {
    for body in ["<html>", "", "{}", r#"{"messages": []}"#, r#"{"messages": [{"id": ""}]}"#, r#"{"success": false}"#] {
        let (status, reason) = unclear(outcome_of(json("200 OK", body)).await);
        assert_eq!((status, reason.as_str()), (Some(200), "Meta's answer cannot be read"), "{body}");
    }
    for (line, number) in [("502 Bad Gateway", 502), ("500 Internal Server Error", 500), ("404 Not Found", 404)] {
        let (status, reason) = unclear(outcome_of(json(line, "<html>")).await);
        assert_eq!(status, Some(number));
        assert_eq!(reason, format!("HTTP {number} without an error of the Graph API"));
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let reply = Reply::Write(response("307 Temporary Redirect", "location: /elsewhere\r\n", ""));
    assert_eq!(unclear(outcome_of(reply).await).0, Some(307));
}

#[tokio::test]
async fn lost_connection_is_unclear() {
    assert_eq!(unclear(outcome_of(Reply::Reset).await).0, None);
    assert_eq!(unclear(outcome_of(Reply::WriteAndClose(String::new())).await).0, None);
    // The answer has begun.
    let cut = Reply::WriteAndClose("HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{\"messages\": [{".to_owned());
    assert_eq!(unclear(outcome_of(cut).await).0, Some(200));
}

#[tokio::test]
async fn late_answer_is_unclear() {
    for reply in [Reply::Hang, Reply::Write("HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{".to_owned())] {
        let mut server = TestServer::start(vec![reply, Reply::Hang]).await;
        let (_, reason) = unclear(server.impatient_client().post_message(&credentials(), "{}").await);
        assert!(reason.starts_with("timeout: "), "{reason}");
        server.request().await;
        assert_eq!(server.arrived().len(), 0);
    }
}

#[tokio::test]
async fn long_answer_is_unclear() {
    let body = format!(r#"{{"messages": [{{"id": "wamid.A"}}], "x": "{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
    let (status, reason) = unclear(outcome_of(json("200 OK", &body)).await);
    assert_eq!((status, reason.as_str()), (Some(200), "the answer has more than 1 MiB"));
}

#[tokio::test]
async fn refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for url in [closed.as_str(), "http://name.invalid"] {
        let client = client(url.parse().unwrap(), Duration::from_secs(30));
        let outcome = client.post_message(&credentials(), "{}").await;
        assert!(matches!(outcome, CallOutcome::NotSent(_)), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn failed_tls_handshake_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let client = client(url.parse().unwrap(), Duration::from_secs(30));
    let outcome = client.post_message(&credentials(), "{}").await;
    assert!(matches!(outcome, CallOutcome::NotSent(_)), "{outcome:?}");
}

#[tokio::test]
async fn token_that_is_no_header_is_not_sent_nor_shown() {
    let credentials = Credentials { access_token: "EAA\nsecret".into(), ..credentials() };
    let client = client("http://127.0.0.1:1".parse().unwrap(), Duration::from_secs(30));
    let CallOutcome::NotSent(reason) = client.post_message(&credentials, "{}").await else { panic!() };
    assert!(!reason.contains("secret") && !reason.contains("127.0.0.1"), "{reason}");
}

#[tokio::test]
async fn reason_has_no_url() {
    let client = client("http://127.0.0.1:1".parse().unwrap(), Duration::from_secs(30));
    let CallOutcome::NotSent(reason) = client.post_message(&credentials(), "{}").await else { panic!() };
    assert!(!reason.contains("106540352242922"), "{reason}");
}

/// Whether the client has noticed the close or not when the next call begins: the pool never sends a request twice.
#[tokio::test]
async fn request_on_closing_connection_arrives_once_at_most() {
    const CALLS: usize = 200;
    let replies = (0..CALLS).map(|_| Reply::WriteAndClose(response("200 OK", "", ACCEPTED))).collect();
    let mut server = TestServer::start(replies).await;
    let client = server.client();
    let mut expected = Vec::new();
    for number in 0..CALLS / 2 {
        match client.post_message(&credentials(), &number.to_string()).await {
            CallOutcome::Accepted { .. } => expected.push(number),
            CallOutcome::Unclear { .. } => {}
            outcome => panic!("{outcome:?}"),
        }
    }
    let mut arrived: Vec<usize> = Vec::new();
    for request in server.arrived() {
        arrived.push(request.split_once("\r\n\r\n").unwrap().1.parse().unwrap());
    }
    assert!(expected.len() > 1, "{expected:?}");
    assert!(arrived.is_sorted_by(|one, next| one < next), "{arrived:?}");
    assert!(expected.iter().all(|number| arrived.contains(number)), "{expected:?} {arrived:?}");
}
