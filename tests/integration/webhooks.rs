//! Responses to Meta's deliveries, and what is stored.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::{self, Number, VERIFY_TOKEN, sign_with, text};

const WEBHOOK: &str = "/webhooks/whatsapp";

#[tokio::test(flavor = "multi_thread")]
async fn handshake_returns_exact_challenge() {
    let app = TestApp::start().await;
    let ask = |mode: &str, token: &str, rest: &str| {
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        format!("{WEBHOOK}?hub.mode={mode}&hub.verify_token={token}{rest}")
    };
    let answer = app.client.get(&ask("subscribe", VERIFY_TOKEN, "&hub.challenge=1158201444")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "1158201444"));
    assert!(answer.header("content-type").starts_with("text/plain"));

    app.client.get(&ask("subscribe", "wrong", "&hub.challenge=1")).await.problem(403, "handshake_refused");
    app.client.get(&ask("subscribe", "", "&hub.challenge=1")).await.problem(403, "handshake_refused");
    app.client.get(&ask("other", VERIFY_TOKEN, "&hub.challenge=1")).await.problem(403, "handshake_refused");
    app.client.get(&ask("subscribe", VERIFY_TOKEN, "")).await.problem(400, "invalid_query");
    app.client
        .get(&ask("subscribe", VERIFY_TOKEN, "&hub.challenge=1&hub.challenge=2"))
        .await
        .problem(400, "invalid_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_signature_is_refused_and_stores_nothing() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let body = number.delivery(&[text("15550100", "forged")]).to_string().into_bytes();
    let right = meta::signature(&body);
    let mut headers: Vec<Vec<String>> = vec![
        vec![],
        vec![String::new()],
        vec![sign_with("another secret", &body)],
        vec![right.replace("sha256=", "sha1=")],
        vec![right[..right.len() - 1].to_owned()],
        vec![right.clone(), right.clone()],
    ];
    headers.push(vec![meta::signature(b"another body")]);
    for values in headers {
        let client = values.iter().fold(app.client.clone(), |client, value| client.with("x-hub-signature-256", value));
        let answer = client.send(Method::POST, WEBHOOK, Some(body.clone())).await;
        answer.problem(401, "invalid_signature");
    }
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events").await, 0);
    app.deliver_bytes(&body).await.expect(200);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events").await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_up_to_4_mib_are_accepted() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let large = |size: usize| {
        let body = format!(
            r#"{{"entry":[{{"id":"1","changes":[{{"field":"x","value":{{"pad":"{}"}}}}]}}]}}"#,
            "a".repeat(size)
        );
        body.into_bytes()
    };
    app.deliver_bytes(&large(3 * 1024 * 1024)).await.expect(200);
    app.deliver_bytes(&large(4 * 1024 * 1024)).await.problem(413, "body_too_large");
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events").await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_body_of_any_shape_is_stored() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    for (n, body) in [&b"no json"[..], b"", b"[]", b"{\"entry\":7}", b"\xff\xfe"].iter().enumerate() {
        app.deliver_bytes(body).await.expect(200);
        let kept = "SELECT count(*) FROM webhook_events WHERE kind = 'unparsed' AND status = 'dead_letter' AND error_class = 'permanent'";
        assert_eq!(app.database.count(kept).await, i64::try_from(n).unwrap() + 1, "{body:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_is_routed_by_number_not_header() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let (our_number, their_number) = (ours.connect().await, theirs.connect().await);
    let mut delivery = our_number.delivery(&[text("15550100", "for us")]);
    let other = their_number.delivery(&[text("15550100", "for them")]);
    let unknown = Number::fresh().delivery(&[text("15550100", "for no tenant")]);
    let entries = delivery["entry"].as_array_mut().unwrap();
    entries.extend([other["entry"][0].clone(), unknown["entry"][0].clone()]);

    let body = delivery.to_string().into_bytes();
    let client = app.client.with("x-hub-signature-256", &meta::signature(&body)).with("x-tenant-id", &theirs.id);
    assert_eq!(client.send(Method::POST, WEBHOOK, Some(body)).await.status, 200);

    assert_eq!(ours.wait_for_conversations(1).await[0].last_message_preview, "for us");
    assert_eq!(theirs.wait_for_conversations(1).await[0].last_message_preview, "for them");
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events WHERE status = 'unroutable'").await, 1);
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_duplicates_create_one_message() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let body = number.delivery(&[text("15550100", "once")]).to_string().into_bytes();
    let answers = join_all((0..50).map(|_| app.deliver_bytes(&body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));

    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    app.wait_until_processed().await;
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    let conversation = tenant.conversations().await.remove(0);
    assert_eq!(conversation.unread_count, 1);
    for table in ["webhook_events", "messages", "interactions", "contacts", "conversations"] {
        assert_eq!(app.database.count(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_is_answered_with_503() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let number = app.tenant().await.connect().await;
    app.database.refuse_connections().await;
    let body = number.delivery(&[text("15550100", "later")]).to_string().into_bytes();
    let answer = app.deliver_bytes(&body).await;
    answer.problem(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    app.database.accept_connections().await;
    app.deliver_bytes(&body).await.expect(200);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events").await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_method_or_signature_count_is_refused() {
    let app = TestApp::start().await;
    let answer = app.client.send(Method::PUT, WEBHOOK, None).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET, HEAD, POST, OPTIONS");
    app.client.post(WEBHOOK, &json!({})).await.problem(401, "invalid_signature");
}
