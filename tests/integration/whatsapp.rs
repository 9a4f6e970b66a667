//! What Meta tells of customers, in every shape it has, as people see it in the end.

mod coexistence;
mod fields;
mod identity;
mod kinds;
mod merge;
mod parallel;
mod people;
mod permutations;
mod recipients;
mod rotations;
mod statuses;
mod walls;

use serde_json::Value;

/// The identities of a contact that are theirs now, and those that were, as `kind value`, each in alphabetical order.
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

/// A member of each.
fn column(rows: &[Value], member: &str) -> Vec<Value> {
    rows.iter().map(|row| row[member].clone()).collect()
}
