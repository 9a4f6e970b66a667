//! The CRM endpoints: contacts, conversations, search.

mod consent;
mod contacts;
mod conversations;
mod deletion;
mod merging;
mod notes;
mod plans;
mod search;

use serde_json::{Value, json};

use crate::kit::app::{TestApp, TestTenant};
use crate::kit::client::Response;
use crate::kit::customer::Customer;
use crate::kit::meta::Number;

async fn create(tenant: &TestTenant, body: &Value) -> Response {
    tenant.client.post("/crm/contacts", body).await
}

/// Creates a contact with a phone number.
async fn contact_of(tenant: &TestTenant, name: &str, phone: &str) -> Value {
    let body = json!({"display_name": name, "identities": [{"kind": "phone", "value": phone}]});
    create(tenant, &body).await.json(201)
}

fn path_of(contact: &Value) -> String {
    format!("/crm/contacts/{}", contact["id"].as_str().unwrap())
}

/// Patches with the version that was read last.
async fn patch(tenant: &TestTenant, path: &str, seen: &Value, mut change: Value) -> Response {
    change["version"] = seen["version"].clone();
    tenant.client.patch(path, &change).await
}

/// The kinds of a contact's interactions, latest first.
async fn kinds(tenant: &TestTenant, contact: &Value) -> Vec<String> {
    let interactions = tenant.interactions(contact).await;
    interactions.iter().map(|interaction| interaction["kind"].as_str().unwrap().to_owned()).collect()
}

/// The JSON pointers of a problem's field errors.
#[track_caller]
fn pointers(answer: &Response) -> Vec<String> {
    let problem = answer.problem(422, "validation_failed");
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

async fn own_id(tenant: &TestTenant) -> Value {
    tenant.client.get("/auth/me").await.json(200)["user"]["id"].clone()
}

/// Each customer wrote once and received a message; returns the ids of the messages to them.
async fn talk_with(app: &TestApp, number: &Number, people: &[Customer]) -> Vec<Value> {
    let mut sent = Vec::new();
    for customer in people {
        let ours = customer.echo(2, "text", json!({"body": "from us"}));
        app.process(&number.received(customer, &[customer.text(1, "hello")])).await;
        app.process(&number.echoes(std::slice::from_ref(&ours))).await;
        sent.push(ours);
    }
    sent
}
