//! The role that may call each operation, as a file (`authorization/rights.txt`), so that changes show in review. The
//! file holds what the server answers to a user of each system role, not what the code declares.

use std::fmt::Write as _;

use rbac::SystemRole;

use super::document::operations;
use super::send;
use crate::kit::app::TestApp;
use crate::kit::client::Client;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/integration/authorization/rights.txt");

const HEAD: &str = "\
# operation, method, path, the permission that it names; the system roles that are let in
# Written by the test in rights.rs: PARLEY_WRITE_RIGHTS=1 cargo test --workspace --test integration -- authorization::rights
";

#[tokio::test(flavor = "multi_thread")]
async fn rights_file_equals_server() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut people: Vec<(String, Client)> = Vec::new();
    for role in SystemRole::ALL {
        let key = role.key().as_str().to_owned();
        let colleague = app.user(&tenant, Some(&key)).await;
        people.push((key, colleague.client));
    }
    let without_role = app.user(&tenant, None).await;

    let mut rights = HEAD.to_owned();
    for operation in operations(&document) {
        let Some(permission) = &operation.permission else { continue };
        // No body and unknown ids: an authorized call changes nothing.
        let path = operation.unknown_path();
        let let_in = async |client: &Client| match send(client, &operation, &path, None).await.status.as_u16() {
            401 => panic!("{operation} answers 401 to a valid token"),
            status => status != 403,
        };
        assert!(!let_in(&without_role.client).await, "{operation} accepts a user without roles");
        let mut roles = Vec::new();
        for (key, client) in &people {
            if let_in(client).await {
                roles.push(key.as_str());
            }
        }
        for role in SystemRole::ALL {
            let holds = role.permissions().iter().any(|held| held.key() == permission);
            let is_in = roles.contains(&role.key().as_str());
            assert_eq!(is_in, holds, "{operation} takes {permission}: {role:?}");
        }
        let (id, method, template) = (&operation.id, &operation.method, &operation.template);
        writeln!(rights, "{id} {method} {template} {permission}: {}", roles.join(" ")).unwrap();
    }
    if std::env::var_os("PARLEY_WRITE_RIGHTS").is_some() {
        std::fs::write(FILE, &rights).unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(
        file, rights,
        "authorization/rights.txt differs from the server; its second line says how to regenerate it"
    );
}
