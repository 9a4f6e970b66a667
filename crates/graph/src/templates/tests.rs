use outbound::{BusinessAccountAccess, TakenTemplate, TemplateApi, TemplateApiError};
use serde_json::json;

use crate::test_server::{Reply, TestServer, json as reply};

fn access() -> BusinessAccountAccess {
    BusinessAccountAccess { waba_id: "900".to_owned(), access_token: "EAAtoken".into() }
}

const SUCCESS: &str = r#"{"success": true}"#;

#[tokio::test]
async fn all_pages_are_listed() {
    let server = TestServer::bind().await;
    let next = format!("{}v25.0/900/message_templates?after=x", server.url());
    let first = json!({"data": [{"id": "1", "name": "a"}], "paging": {"next": next}});
    let second = json!({"data": [{"id": "2", "name": "b"}], "paging": {"cursors": {"after": "y"}}});
    let mut server = server.serve([first, second].map(|page| reply("200 OK", &page.to_string())).into());
    let templates = server.client().list(&access(), None).await.unwrap();
    assert_eq!(templates, [json!({"id": "1", "name": "a"}), json!({"id": "2", "name": "b"})]);
    let request = server.request().await;
    assert!(request.starts_with("GET /v25.0/900/message_templates?fields=id%2Cname%2C"), "{request}");
    assert!(request.contains("&limit=100 HTTP/1.1\r\n"), "{request}");
}

#[tokio::test]
async fn error_of_one_page_is_an_error_of_the_list() {
    let server = TestServer::bind().await;
    let next = format!("{}v25.0/900/message_templates?after=x", server.url());
    let first = json!({"data": [{"id": "1"}], "paging": {"next": next}}).to_string();
    let server = server.serve(vec![reply("200 OK", &first), reply("502 Bad Gateway", "<html>")]);
    let error = server.client().list(&access(), None).await.unwrap_err();
    assert_eq!(error, TemplateApiError::Silent("HTTP 502 without an error of the Graph API".to_owned()));
}

#[tokio::test]
async fn only_templates_of_the_exact_name_are_listed() {
    let page = json!({"data": [{"name": "order"}, {"name": "order_late"}]}).to_string();
    let mut server = TestServer::start(vec![reply("200 OK", &page)]).await;
    assert_eq!(server.client().list(&access(), Some("order")).await.unwrap(), [json!({"name": "order"})]);
    assert!(server.request().await.contains("&name=order HTTP/1.1\r\n"));
}

#[tokio::test]
async fn template_is_created_edited_and_deleted() {
    let taken = r#"{"id": "77", "status": "PENDING", "category": "MARKETING"}"#;
    let replies = [taken, SUCCESS, SUCCESS].map(|body| reply("200 OK", body));
    let mut server = TestServer::start(replies.into()).await;
    let client = server.client();
    let created = client.create(&access(), r#"{"name": "order"}"#).await.unwrap();
    let expected = TakenTemplate {
        meta_id: "77".to_owned(),
        status: Some("PENDING".to_owned()),
        category: Some("MARKETING".to_owned()),
    };
    assert_eq!(created, expected);
    let request = server.request().await;
    assert!(request.starts_with("POST /v25.0/900/message_templates HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: Bearer EAAtoken") && request.ends_with(r#"{"name": "order"}"#),
        "{request}"
    );

    client.edit(&access(), "77", "{}").await.unwrap();
    assert!(server.request().await.starts_with("POST /v25.0/77 HTTP/1.1\r\n"));
    client.delete(&access(), "order", "77").await.unwrap();
    let request = server.request().await;
    assert!(request.starts_with("DELETE /v25.0/900/message_templates?hsm_id=77&name=order HTTP/1.1\r\n"), "{request}");
}

#[tokio::test]
async fn refusal_has_metas_words_and_silence_a_reason() {
    let refusal = r#"{"error": {"message": "Invalid parameter", "code": 100, "error_subcode": 2388023,
        "error_data": "name: taken", "error_user_msg": "The name is in use."}}"#;
    let replies = vec![
        reply("400 Bad Request", refusal),
        reply("200 OK", r#"{"success": false}"#),
        reply("200 OK", "{}"),
        Reply::Reset,
    ];
    let server = TestServer::start(replies).await;
    let client = server.client();
    let Err(TemplateApiError::Refused(error)) = client.create(&access(), "{}").await else { panic!() };
    assert_eq!((error.code, error.subcode), (Some(100), Some(2_388_023)));
    assert_eq!(error.user_message.as_deref(), Some("The name is in use."));
    assert_eq!(error.details.as_deref(), Some("name: taken"));
    let unreadable = TemplateApiError::Silent("Meta's answer cannot be read".to_owned());
    assert_eq!(client.edit(&access(), "77", "{}").await, Err(unreadable.clone()));
    assert_eq!(client.create(&access(), "{}").await, Err(unreadable));
    let lost = client.delete(&access(), "order", "77").await;
    assert!(matches!(lost, Err(TemplateApiError::Silent(_))), "{lost:?}");
}
