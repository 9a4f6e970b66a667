//! Rules for all requests.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::app::{PASSWORD, TestApp, metrics};

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_problem_documents() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    app.client.get("/no/such/path").await.problem(404, "not_found");
    tenant.client.get("/no/such/path").await.problem(404, "not_found");
    let answer = app.client.send(Method::DELETE, "/auth/login", None).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");

    let login = app.client.with("x-tenant-id", &tenant.slug);
    let json_login = login.with("content-type", "application/json");
    let post = |body: &str| Some(body.as_bytes().to_vec());
    json_login.send(Method::POST, "/auth/login", post("{")).await.problem(400, "malformed_json");
    login.send(Method::POST, "/auth/login", post("{}")).await.problem(415, "unsupported_media_type");
    json_login.send(Method::POST, "/auth/login", Some(vec![b' '; 17 * 1024])).await.problem(413, "body_too_large");
    for (body, pointer) in [
        (json!({"email": "a@x.example", "password": 7}), "/password"),
        (json!({"email": "a@x.example", "password": "x", "tenant": "y"}), "/tenant"),
        (json!({"password": "x"}), "/email"),
    ] {
        let problem = login.post("/auth/login", &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    tenant.client.get("/crm/conversations/no-uuid").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_have_request_ids() {
    let app = TestApp::start().await;
    let given = app.client.with("x-request-id", "abc-123").get("/healthz").await;
    assert_eq!(given.header("x-request-id"), "abc-123");
    for bad in ["a b", "<script>", &"x".repeat(200)] {
        let made = app.client.with("x-request-id", bad).get("/healthz").await;
        assert!(made.header("x-request-id").parse::<uuid::Uuid>().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_endpoints_report_state() {
    let app = TestApp::start().await;
    assert_eq!(app.client.get("/healthz").await.status, 200);
    let ready = app.client.get("/readyz").await.json(200);
    for dependency in ["database", "migrations", "broker"] {
        assert!(ready.to_string().contains(dependency), "{ready}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_document_equals_file_and_names_all_routes() {
    let app = TestApp::start().await;
    let document = app.client.get("/openapi.json").await.json(200);
    let snapshot: Value = serde_json::from_str(include_str!("../../crates/http/openapi.json")).unwrap();
    assert_eq!(document, snapshot);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

    // Each operation exists, and requires a token exactly where the document says so.
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path.replace("{id}", "0190b5a2-7e2f-7000-8000-000000000000");
            let path = ["{key}", "{app}"].iter().fold(path, |path, key| path.replace(key, &"0".repeat(40)));
            let answer = app.client.send(method.clone(), &path, Some(b"{".to_vec())).await;
            let protected = operation["security"].as_array().is_some_and(|security| !security.is_empty());
            assert_eq!(
                answer.status == 401 && answer.text.contains("unauthenticated"),
                protected,
                "{method} {path}: {}",
                answer.text
            );
            assert_ne!(answer.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_contain_no_secrets_or_sql() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"email": tenant.email, "password": PASSWORD, "tenant_name": "x", "slug": tenant.slug});
    let answer = app.client.post("/auth/signup", &body).await;
    answer.problem(409, "slug_taken");
    for text in ["tenants_slug_key", "duplicate key", "constraint", PASSWORD] {
        assert!(!answer.text.contains(text), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_by_route() {
    let app = TestApp::start().await;
    app.tenant()
        .await
        .client
        .get("/crm/conversations/0190b5a2-7e2f-7000-8000-000000000000")
        .await
        .problem(404, "not_found");
    app.client.get("/a/path/without/a/route").await.problem(404, "not_found");
    let exported = metrics();
    assert!(exported.contains(r#"route="/crm/conversations/{id}""#), "{exported}");
    assert!(!exported.contains("/a/path") && !exported.contains("0190b5a2"));
}
