//! Authorization of every operation in the OpenAPI document: each is called anonymously, by another tenant, with another
//! tenant's ids and cursors, with all permissions except the declared one, and with only that one. A new operation is
//! tested without further code; where the document is not sufficient, the failure says what to add.
//!
//! `authorization/exceptions.txt` lists exempt operations with the reason. That file may only shrink, except for public
//! operations.

mod creation;
mod document;
mod exceptions;
mod fixture;
mod rights;

use std::collections::HashMap;

use kernel::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::client::{Client, Response};
use crate::kit::sandbox::MetaSandbox;
use document::{Access, Operation, operations};
use exceptions::{Check, Exceptions};
use fixture::{Tenant, UNKNOWN};

/// Failed checks, reported together, and how often each check ran.
#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    made: HashMap<Check, usize>,
}

impl Findings {
    fn note(&mut self, exceptions: &Exceptions, operation: &Operation, check: Check, passed: Result<(), String>) {
        *self.made.entry(check).or_default() += 1;
        let wrong = match (exceptions.covers(&operation.id, check), passed) {
            (false, Err(finding)) => finding,
            (true, Ok(())) => "passes; remove its line from authorization/exceptions.txt".to_owned(),
            _ => return,
        };
        self.wrong.push(format!("{} {operation}: {wrong}", check.key()));
    }

    /// Asserts that no check failed and that each of these checks ran.
    fn are_none(&self, checks: &[Check]) {
        assert!(self.wrong.is_empty(), "\n{}\n", self.wrong.join("\n"));
        let idle = checks.iter().find(|check| !self.made.contains_key(check));
        assert!(idle.is_none(), "{idle:?} never ran: {:?}", self.made);
    }
}

async fn send(client: &Client, operation: &Operation, path: &str, body: Option<&Value>) -> Response {
    let client = client.with("x-request-id", "authorization-test");
    let client = match (body, &operation.method) {
        (None, _) => client,
        (Some(_), &Method::PATCH) => client.with("content-type", "application/merge-patch+json"),
        (Some(_), _) => client.with("content-type", "application/json"),
    };
    client.send(operation.method.clone(), path, body.map(|body| body.to_string().into_bytes())).await
}

/// Both responses are equal apart from their request ids.
fn alike(foreign: &Response, unknown: &Response) -> Result<(), String> {
    if foreign.status == unknown.status
        && foreign.text == unknown.text
        && foreign.stable_headers() == unknown.stable_headers()
    {
        Ok(())
    } else {
        Err(format!(
            "another tenant's resource is answered unlike an unknown one: {} {} / {} {}",
            foreign.status, foreign.text, unknown.status, unknown.text
        ))
    }
}

fn refused_with(answer: &Response, status: u16, code: &str) -> Result<(), String> {
    let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    if answer.status == status && body["code"] == code {
        Ok(())
    } else {
        Err(format!("expected {status} {code}, not {} {}", answer.status, answer.text))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_isolate_tenants() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let (ours, theirs) = (Tenant::populated(&app, &meta).await, Tenant::populated(&app, &meta).await);
    let document = app.client.get("/openapi.json").await.json(200);
    let exceptions = Exceptions::read();
    let mut findings = Findings::default();
    let operations = operations(&document);
    exceptions.refuse_unknown(&operations);
    let before = ours.everything(&operations).await;

    for operation in &operations {
        let own = theirs.path(&document, operation).await;
        let anonymous = send(&app.client, operation, &own, None).await;
        let passed = refused_with(&anonymous, 401, "unauthenticated");
        findings.note(&exceptions, operation, Check::Anonymous, passed);
        if operation.access != Access::Tenant {
            continue;
        }
        let body = operation.body();

        let mismatched = theirs.client.with("x-tenant-id", &ours.id);
        let passed = refused_with(&send(&mismatched, operation, &own, body.as_ref()).await, 403, "tenant_mismatch");
        findings.note(&exceptions, operation, Check::TenantMismatch, passed);

        for parameter in &operation.path_parameters {
            let (foreign, unknown) = ours.path_with(&document, operation, &theirs, parameter).await;
            let foreign = send(&theirs.client, operation, &foreign, body.as_ref()).await;
            let unknown = send(&theirs.client, operation, &unknown, body.as_ref()).await;
            let passed = refused_with(&unknown, 404, "not_found").and_then(|()| alike(&foreign, &unknown));
            findings.note(&exceptions, operation, Check::ForeignPath, passed);
        }
        for (parameter, list) in &operation.query_ids {
            let ask = async |id: &str| send(&theirs.client, operation, &format!("{own}?{parameter}={id}"), None).await;
            let (foreign, unknown) = (ask(&ours.first(list).await).await, ask(UNKNOWN).await);
            findings.note(&exceptions, operation, Check::ForeignQuery, alike(&foreign, &unknown));
        }
        for (member, list) in &operation.body_ids {
            let ask = async |id: String| {
                let mut body = body.clone().unwrap_or_else(|| json!({}));
                body[member] = json!(id);
                send(&theirs.client, operation, &own, Some(&body)).await
            };
            let foreign = ask(ours.first(list).await).await;
            let unknown = ask(fixture::unknown_like(&ours.first(list).await)).await;
            findings.note(&exceptions, operation, Check::ForeignBody, alike(&foreign, &unknown));
        }
        if operation.has_cursor {
            let ours_path = ours.path(&document, operation).await;
            let page = ours.client.get(&format!("{ours_path}?limit=1")).await.json(200);
            let cursor = page["next_cursor"].as_str().unwrap_or_else(|| {
                panic!("{operation}: authorization/fixture.rs must create two of them, so that a cursor exists")
            });
            let answer = send(&theirs.client, operation, &format!("{own}?cursor={cursor}"), None).await;
            let passed = refused_with(&answer, 400, "invalid_cursor");
            findings.note(&exceptions, operation, Check::ForeignCursor, passed);
        }
    }
    assert_eq!(ours.everything(&operations).await, before, "requests of another tenant changed something");
    findings.are_none(&[
        Check::Anonymous,
        Check::TenantMismatch,
        Check::ForeignPath,
        Check::ForeignQuery,
        Check::ForeignBody,
        Check::ForeignCursor,
    ]);
    app.finish().await;
}

/// What a key with all that keys can hold may call, and one with a single permission: nothing else, whatever is added to the API.
#[tokio::test(flavor = "multi_thread")]
async fn api_keys_call_what_their_permissions_allow() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut wrong = Vec::new();
    let program = async |permissions: &[&str]| {
        let body = json!({"name": "Walk", "permissions": permissions});
        let made = tenant.client.post("/api-keys", &body).await.json(201);
        app.client.with_token(made["secret"].as_str().expect("a secret")).with("idempotency-key", "walk")
    };
    let for_keys: Vec<&str> = Permission::ALL.iter().filter(|it| it.is_for_keys()).map(|it| it.key()).collect();
    let (every, mut only) = (program(&for_keys).await, HashMap::new());
    for permission in &for_keys {
        only.insert(*permission, program(&[permission]).await);
    }
    for operation in operations(&document).iter().filter(|it| it.access == Access::Tenant) {
        let (path, body) = (operation.unknown_path(), operation.body());
        let answer = send(&every, operation, &path, body.as_ref()).await;
        let permission = operation.permission.as_deref().unwrap_or_default();
        let passed = match (operation.id.as_str(), only.get(permission)) {
            ("me", _) => {
                if answer.status == 200 {
                    Ok(())
                } else {
                    Err(format!("{} {}", answer.status, answer.text))
                }
            }
            ("deleteContact", _) => refused_with(&answer, 403, "users_only"),
            (_, None) if permission.is_empty() => refused_with(&answer, 403, "users_only"),
            (_, None) => refused_with(&answer, 403, "insufficient_scope"),
            (_, Some(only)) => {
                let single = send(only, operation, &path, body.as_ref()).await;
                let refused = [&answer, &single].into_iter().find(|it| [401, 403].contains(&it.status.as_u16()));
                refused.map_or(Ok(()), |it| Err(format!("{permission} is refused: {}", it.text)))
            }
        };
        if let Err(finding) = passed {
            wrong.push(format!("{operation}: {finding}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_require_exactly_declared_permission() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let document = app.client.get("/openapi.json").await.json(200);
    let exceptions = Exceptions::read();
    let mut findings = Findings::default();
    let mut callers = fixture::Callers::new(&app, &tenant);
    for operation in operations(&document) {
        let Some(permission) = &operation.permission else { continue };
        // The ids do not exist, so that an authorized call changes nothing.
        let path = operation.unknown_path();
        let body = operation.body();
        let all_but = callers.all_but(permission).await;
        let passed = refused_with(&send(&all_but, &operation, &path, body.as_ref()).await, 403, "insufficient_scope");
        findings.note(&exceptions, &operation, Check::Without, passed);

        let answer = send(&callers.only(permission).await, &operation, &path, body.as_ref()).await;
        let passed = if [401, 403].contains(&answer.status.as_u16()) {
            Err(format!("{permission} alone is refused: {}", answer.text))
        } else {
            Ok(())
        };
        findings.note(&exceptions, &operation, Check::Only, passed);
    }
    findings.are_none(&[Check::Without, Check::Only]);
}
