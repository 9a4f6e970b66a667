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
    assert_eq!(answer.header("allow"), "POST, OPTIONS");

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

/// Postgres stores U+0000 in no text. Each input of each operation is tried, so that a new one is tried, too.
#[tokio::test(flavor = "multi_thread")]
async fn nul_in_any_input_is_a_client_error() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let document: Value = serde_json::from_str(include_str!("../../crates/http/openapi.json")).unwrap();
    let id = "0190b5a2-7e2f-7000-8000-000000000000";
    let mut tried = [0, 0, 0];
    for (template, operations) in document["paths"].as_object().unwrap() {
        let filled = |with: &str| {
            template.split('{').enumerate().fold(String::new(), |path, (n, part)| {
                let rest = part.split_once('}').filter(|_| n > 0).map(|(_, rest)| format!("{with}{rest}"));
                path + &rest.unwrap_or_else(|| part.to_owned())
            })
        };
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let is_of_tenant = operation["security"].to_string().contains("bearer");
            let client = tenant.client.with("content-type", "application/json");
            let send = async |path: &str, body: Option<&str>| {
                let response = client.send(method.clone(), path, body.map(|body| body.as_bytes().to_vec())).await;
                assert!(response.status.is_client_error(), "{method} {path} {body:?}: {}", response.text);
                response
            };
            if template.contains('{') {
                send(&filled("%00"), operation["requestBody"].is_object().then_some("{}")).await;
                tried[0] += 1;
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
                let path = format!("{}?{}=a%00b", filled(id), parameter["name"].as_str().unwrap());
                let response = send(&path, None).await;
                if is_of_tenant {
                    response.problem(400, "invalid_query");
                }
                tried[1] += 1;
            }
            if operation["requestBody"]["content"]["application/json"].is_object() {
                let response = send(&filled(id), Some(r#"{"a":["b\u0000"]}"#)).await;
                // A key that has another form than the id is refused first.
                if is_of_tenant && !template.contains("{key}") {
                    assert_eq!(response.problem(422, "validation_failed").pointer(), "/a/0", "{method} {template}");
                }
                tried[2] += 1;
            }
        }
    }
    assert!(tried.iter().all(|tried| *tried > 10), "{tried:?}");
}
