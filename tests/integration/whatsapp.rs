//! WhatsApp events in every shape Meta documents, and the resulting CRM data.

mod app_isolation;
mod coexistence;
mod fields;
mod identity;
mod identity_changes;
mod kinds;
mod merge;
mod parallel;
mod permutations;
mod recipients;
mod senders;
mod statuses;

use serde_json::Value;

/// A contact's current and former identities as `kind value`, each sorted.
fn identities(contact: &Value) -> (Vec<String>, Vec<String>) {
    let all = contact["identities"].as_array().unwrap();
    let of = |current: bool| {
        let chosen = all.iter().filter(|identity| identity["current"] == current);
        let mut lines: Vec<String> = chosen
            .map(|identity| format!("{} {}", identity["kind"].as_str().unwrap(), identity["value"].as_str().unwrap()))
            .collect();
        lines.sort_unstable();
        lines
    };
    (of(true), of(false))
}

/// The kinds of interactions, latest first.
fn kinds(interactions: &[Value]) -> Vec<&str> {
    interactions.iter().map(|interaction| interaction["kind"].as_str().unwrap()).collect()
}

/// One member of each item.
fn column(rows: &[Value], member: &str) -> Vec<Value> {
    rows.iter().map(|row| row[member].clone()).collect()
}
