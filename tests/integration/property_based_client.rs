//! A property-based client, Schemathesis, sends requests that it makes from the OpenAPI document, valid and invalid ones.
//! `.ci/schemathesis` installs it and runs this test, which starts the server, a tenant with some data and the client.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use strum::VariantArray as _;
use tokens::KeyScope;
use tokio::process::Command;

use crate::kit::app::{TestApp, TestTenant};
use crate::kit::meta::{fresh_digits, text};
use crate::kit::operators::key;
use crate::kit::sandbox::MetaSandbox;

/// The path of the client's program.
const PROGRAM: &str = "PARLEY_SCHEMATHESIS";
/// Another seed than that of CI.
const SEED: &str = "PARLEY_SCHEMATHESIS_SEED";
/// For how many seconds the operations of tenants are tested; the others take the rest of three minutes.
const TENANT_SECONDS: u32 = 140;
const OTHER_SECONDS: u32 = 20;

/// Something of each kind, so that lists are not empty.
async fn fill(app: &TestApp, tenant: &TestTenant) {
    let number = tenant.connect().await;
    app.process(&number.delivery(&[text(&fresh_digits(), "Hello")])).await;
    let role = json!({"key": "sales", "name": "Sales", "permissions": ["crm:read"]});
    tenant.client.post("/roles", &role).await.expect(201);
    tenant.meta_app().await;
}

/// Runs the client on the operations that the filter selects.
async fn run(app: &TestApp, token: &str, seconds: u32, filter: &[&str]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = PathBuf::from(std::env::var_os(PROGRAM).expect("run by .ci/schemathesis"));
    let url = app.client.base();
    let status = Command::new(program)
        .current_dir(&directory)
        .args(["--config-file", ".ci/schemathesis.toml", "run", &format!("{url}/openapi.json"), "--url", url])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--max-time", &seconds.to_string()])
        // The same requests in each run, as far as answers are the same: what fails was changed.
        .args(["--seed", &std::env::var(SEED).unwrap_or_else(|_| "1".to_owned())])
        .args(filter)
        .stdin(Stdio::null())
        .status()
        .await
        .expect("the client starts");
    assert!(status.success(), "the client found what it must not find");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `.ci/schemathesis`"]
async fn property_based_client_finds_no_fault() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    fill(&app, &tenant).await;
    let operators = ["--include-path-regex", "^/(platform|tenants)"];
    // The token's session would end; and Meta is asked about each access token, which `account_credentials` tests.
    let ending = "^(logout|changePassword|endSession|changeWhatsAppAccount)$";
    // Two exclusions would exclude only what both match.
    let others = ["--include-path-regex", "^/(?!platform|tenants)", "--exclude-operation-id-regex", ending];
    run(&app, &tenant.token, TENANT_SECONDS, &others).await;
    let (_, secret, _) = key(&app, KeyScope::VARIANTS, None).await;
    run(&app, &secret, OTHER_SECONDS, &operators).await;
    // The operators' requests may have suspended the first tenant.
    let another = app.tenant().await;
    run(&app, &another.token, OTHER_SECONDS, &["--include-operation-id-regex", ending]).await;
    app.finish_with_dead_letters(0).await;
}
