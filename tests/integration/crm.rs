//! The CRM endpoints: contacts, conversations, search.

mod consent;
mod contacts;
mod conversations;
mod deletion;
mod merging;
mod notes;
mod numbers;
mod plans;
mod renewal;
mod search;
mod titles;

use serde_json::{Value, json};

use crate::kit::api::{Contact, Resource as _};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::client::Response;
use crate::kit::customer::Customer;
use crate::kit::meta::Number;

async fn create(tenant: &TestTenant, body: &Value) -> Response {
    tenant.client.post(Contact::LIST, body).await
}

/// Creates a contact with a phone number.
async fn contact_of(tenant: &TestTenant, name: &str, phone: &str) -> Contact {
    let body = json!({"display_name": name, "identities": [{"kind": "phone", "value": phone}]});
    tenant.client.create(&body).await
}

/// The kinds of a contact's interactions, latest first.
async fn kinds(tenant: &TestTenant, contact: &Contact) -> Vec<String> {
    tenant.interactions(contact).await.into_iter().map(|interaction| interaction.kind).collect()
}

/// The JSON pointers of a problem's field errors.
#[track_caller]
fn pointers(answer: &Response) -> Vec<String> {
    answer.problem(422, "validation_failed").pointers().into_iter().map(str::to_owned).collect()
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
