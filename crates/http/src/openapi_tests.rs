use std::collections::BTreeSet;

use serde_json::Value;

use crate::idempotency;
use crate::operations::openapi_json;

const COMMAND: &str = "cargo run --bin parley -- openapi > crates/http/openapi.json";

/// Public operations.
const PUBLIC: [&str; 12] = [
    "deliverAppEvents",
    "deliverEvents",
    "health",
    "login",
    "openapi",
    "readiness",
    "refresh",
    "register",
    "signUp",
    "signingKeys",
    "verifyAppWebhook",
    "verifyWebhook",
];

fn operations() -> Vec<(String, Value)> {
    let document: Value = serde_json::from_str(openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    operations.collect()
}

#[test]
fn document_file_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == openapi_json(), "crates/http/openapi.json is out of date; regenerate it:\n\n    {COMMAND}\n");
}

#[test]
fn every_operation_declares_its_security() {
    let mut public = BTreeSet::new();
    for (operation, value) in operations() {
        let id = value["operationId"].as_str().unwrap_or_else(|| panic!("{operation} has no operationId")).to_owned();
        assert_eq!(value["tags"].as_array().map(Vec::len), Some(1), "{operation} has no tag");
        match value["security"].as_array() {
            Some(security) => {
                let by_operator = operation.contains(" /platform/") || operation.contains(" /tenants");
                let scheme = if by_operator { "provisioning_key" } else { "bearer" };
                assert!(security[0][scheme].is_array(), "{operation}");
            }
            None => {
                public.insert(id);
            }
        }
    }
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

#[test]
fn operation_ids_are_unique_and_problems_documented() {
    let mut ids = BTreeSet::new();
    for (operation, value) in operations() {
        assert!(ids.insert(value["operationId"].to_string()), "{operation} has the operationId of another");
        assert!(value["x-problems"].is_null(), "{operation}: the list of problems was not turned into responses");
        let responses = value["responses"].as_object().unwrap();
        assert!(responses.contains_key("500"), "{operation}");
        assert_eq!(responses.contains_key("401"), !value["security"].is_null() || anonymous_401(&value), "{operation}");
    }
}

/// Operations that respond with 201 but take no key: their responses hold secrets.
const NOT_KEYED: [&str; 2] = ["register", "signUp"];
/// Operations that create what is carried out later: they respond with 202.
const SENDING: [&str; 2] = ["sendMessage", "sendMessageTo"];

#[test]
fn every_creating_operation_takes_an_idempotency_key() {
    let mut creating = 0;
    for (operation, value) in operations() {
        let status = if SENDING.iter().any(|id| value["operationId"] == *id) { "202" } else { "201" };
        let success = Some(&value["responses"][status]).filter(|success| !success.is_null());
        let creates = operation.starts_with("post ") && success.is_some();
        let is_key = |parameter: &Value| parameter["in"] == "header" && parameter["name"] == idempotency::HEADER;
        let keyed = value["parameters"].as_array().is_some_and(|parameters| parameters.iter().any(is_key));
        let excepted = NOT_KEYED.iter().any(|id| value["operationId"] == *id);
        assert_eq!(
            keyed,
            creates && !excepted,
            "{operation}: a creating POST must take `IdempotentJson` and document `IdempotencyHeader`"
        );
        let tells = success.is_some_and(|success| !success["headers"][idempotency::REPLAYED_HEADER].is_null());
        assert_eq!(keyed, tells, "{operation}");
        creating += usize::from(keyed);
    }
    assert!(creating >= 3, "{creating} operations create something");
}

fn anonymous_401(operation: &Value) -> bool {
    ["login", "register", "refresh", "deliverEvents", "deliverAppEvents"]
        .iter()
        .any(|id| operation["operationId"] == *id)
}
