use channels::{AccountApi, AccountApiError, MetaId};
use chrono::DateTime;
use secrecy::SecretString;

use super::*;
use crate::test_server::{Reply, TestServer, json};

fn token() -> SecretString {
    "EAAtoken".into()
}

fn id(text: &str) -> MetaId {
    MetaId::parse(text).unwrap()
}

async fn answering(body: &str) -> TestServer {
    TestServer::start(vec![json("200 OK", body)]).await
}

#[tokio::test]
async fn token_is_asked_about_with_itself() {
    let body = r#"{"data": {"app_id": "7", "type": "SYSTEM_USER", "is_valid": true, "expires_at": 1800000000,
        "scopes": ["whatsapp_business_messaging"], "granular_scopes": [
            {"scope": "whatsapp_business_messaging", "target_ids": ["900"]}, {"scope": "business_management"}]}}"#;
    let mut server = answering(body).await;
    let facts = server.client().token(&token()).await.unwrap();
    assert!(facts.is_valid);
    assert_eq!(facts.expires_at, DateTime::from_timestamp(1_800_000_000, 0));
    assert_eq!(facts.waba_ids, Some(vec!["900".to_owned()]));
    assert_eq!(facts.app_id.as_deref(), Some("7"));
    let request = server.request().await;
    assert!(request.starts_with("GET /v25.0/debug_token?input_token=EAAtoken HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer EAAtoken\r\n"), "{request}");
}

#[tokio::test]
async fn invalid_endless_and_unlimited_token_is_read() {
    let body = r#"{"data": {"is_valid": false, "expires_at": 0, "error": {"code": 190, "message": "Expired"},
        "granular_scopes": [{"scope": "whatsapp_business_messaging", "target_ids": ["900"]},
                            {"scope": "whatsapp_business_management"}]}}"#;
    let facts = answering(body).await.client().token(&token()).await.unwrap();
    assert_eq!((facts.is_valid, facts.error.as_deref()), (false, Some("Expired")));
    assert_eq!((facts.expires_at, facts.waba_ids), (None, None));
}

#[tokio::test]
async fn number_and_business_account_are_read() {
    let number = r#"{"id": "100", "name_status": "APPROVED", "quality_rating": "GREEN", "status": "CONNECTED",
        "platform_type": "CLOUD_API", "throughput": {"level": "HIGH"}}"#;
    let account =
        r#"{"id": "900", "account_review_status": "APPROVED", "health_status": {"can_send_message": "LIMITED"}}"#;
    let apps = r#"{"data": [{"whatsapp_business_api_data": {"id": "7", "name": "Own"}}, {}]}"#;
    let mut server = TestServer::start([number, account, apps].map(|body| json("200 OK", body)).into()).await;
    let client = server.client();
    let facts = client.number(&token(), &id("100")).await.unwrap();
    assert_eq!((facts.id.as_str(), facts.is_registered), ("100", Some(true)));
    assert_eq!((facts.quality.as_deref(), facts.throughput.as_deref()), (Some("GREEN"), Some("HIGH")));
    assert!(server.request().await.starts_with("GET /v25.0/100?fields=id%2C"));
    assert_eq!(client.business_account(&token(), &id("900")).await.unwrap().status.as_deref(), Some("LIMITED"));
    assert_eq!(client.subscribed_apps(&token(), &id("900")).await.unwrap(), ["7"]);
}

#[tokio::test]
async fn list_is_read_to_its_end() {
    let server = TestServer::bind().await;
    let next = format!("{}v25.0/900/phone_numbers?after=x", server.url());
    let first = format!(r#"{{"data": [{{"id": "100"}}], "paging": {{"cursors": {{}}, "next": "{next}"}}}}"#);
    let mut server = server.serve(vec![json("200 OK", &first), json("200 OK", r#"{"data": [{"id": "101"}]}"#)]);
    assert_eq!(server.client().numbers(&token(), &id("900")).await.unwrap(), ["100", "101"]);
    assert!(server.request().await.starts_with("GET /v25.0/900/phone_numbers?fields=id&limit=100 "));
    assert!(server.request().await.contains("authorization: Bearer EAAtoken"));
}

#[tokio::test]
async fn next_page_on_another_host_is_not_read() {
    let first = r#"{"data": [], "paging": {"next": "http://127.0.0.1:1/v25.0/900/phone_numbers"}}"#;
    let error = answering(first).await.client().numbers(&token(), &id("900")).await.unwrap_err();
    assert_eq!(error, AccountApiError::Silent("the next page is on another host".to_owned()));
}

#[tokio::test]
async fn refusal_and_silence_are_told_apart() {
    let refusal = r#"{"error": {"message": "No", "code": 190}}"#;
    let server = TestServer::start(vec![json("401 Unauthorized", refusal), json("502 Bad Gateway", "<html>")]).await;
    let client = server.client();
    let refused = client.number(&token(), &id("100")).await.unwrap_err();
    assert!(matches!(&refused, AccountApiError::Refused(error) if error.code == Some(190)), "{refused:?}");
    let silent = client.number(&token(), &id("100")).await.unwrap_err();
    assert!(matches!(silent, AccountApiError::Silent(_)), "{silent:?}");
}

#[tokio::test]
async fn token_that_meta_repeats_is_struck_out() {
    let refusal = r#"{"error": {"message": "Malformed access token EAAtoken", "code": 190}}"#;
    let server = TestServer::start(vec![json("401 Unauthorized", refusal)]).await;
    let Err(AccountApiError::Refused(error)) = server.client().number(&token(), &id("100")).await else { panic!() };
    assert_eq!(error.title, "Malformed access token ***");
}

#[tokio::test]
async fn token_is_not_in_the_text_of_an_error() {
    let server = TestServer::start(vec![Reply::Reset]).await;
    let error = server.client().token(&token()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("EAAtoken"), "{error:?}");
}

#[test]
fn registration_is_read_from_platform_and_status() {
    assert_eq!(is_registered(Some("CLOUD_API"), Some("CONNECTED")), Some(true));
    assert_eq!(is_registered(None, Some("CONNECTED")), Some(true));
    assert_eq!(is_registered(Some("NOT_APPLICABLE"), Some("CONNECTED")), Some(false));
    assert_eq!(is_registered(Some("CLOUD_API"), Some("DISCONNECTED")), Some(false));
    assert_eq!(is_registered(None, Some("UNKNOWN")), None);
    assert_eq!(is_registered(None, None), None);
}
