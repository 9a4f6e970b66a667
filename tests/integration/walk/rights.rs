//! Which role may call which operation, as a file of the repository (`walk/rights.txt`), so that a change is seen in review.
//! The file is what the server answers to a user of each system role, not what the code says.

use std::fmt::Write as _;

use rbac::SystemRole;

use super::document::operations;
use super::send;
use crate::kit::app::TestApp;
use crate::kit::client::Client;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/integration/walk/rights.txt");

const HEAD: &str = "\
# operation, method, path, the permission that it names; the system roles that are let in
# Written by the test in rights.rs: PARLEY_WRITE_RIGHTS=1 cargo test --workspace --test integration -- walk::rights
";

#[tokio::test(flavor = "multi_thread")]
async fn the_file_says_which_role_may_call_which_operation() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut people: Vec<(String, Client)> = Vec::new();
    for role in SystemRole::ALL {
        let key = role.key().as_str().to_owned();
        let colleague = app.colleague(&tenant, Some(&key)).await;
        people.push((key, colleague.client));
    }
    let nobody = app.colleague(&tenant, None).await;

    let mut said = HEAD.to_owned();
    for operation in operations(&document) {
        let Some(permission) = &operation.permission else { continue };
        // Without a body, and about nothing that is there: whoever is let in changes nothing.
        let path = operation.unknown_path();
        let let_in = async |client: &Client| match send(client, &operation, &path, None).await.status.as_u16() {
            401 => panic!("{operation} takes somebody who is logged in for nobody"),
            status => status != 403,
        };
        assert!(!let_in(&nobody.client).await, "{operation} lets in who has no role");
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
        writeln!(said, "{id} {method} {template} {permission}: {}", roles.join(" ")).unwrap();
    }
    if std::env::var_os("PARLEY_WRITE_RIGHTS").is_some() {
        std::fs::write(FILE, &said).unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(file, said, "walk/rights.txt is not what the server does; its second line says how to write it anew");
}
