//! `/sandbox/journal` and `/sandbox/refusals`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use serde_json::json;

use crate::shared::Shared;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    number: Option<String>,
    #[serde(default)]
    after: u64,
    #[serde(default = "all")]
    limit: usize,
}

fn all() -> usize {
    100_000
}

/// `last` is the sequence of the last entry of the answer: `after` of the next call.
pub(super) async fn entries(shared: Data<Shared>, wanted: Query<Wanted>) -> HttpResponse {
    let world = shared.world();
    let entries: Vec<_> = world.journal.after(wanted.after, wanted.number.as_deref()).take(wanted.limit).collect();
    let last = entries.last().map_or(wanted.after, |entry| entry.sequence);
    // `json!` would make a copy of each body and lose the order of its members.
    match serde_json::to_string(&entries) {
        Ok(entries) => HttpResponse::Ok()
            .content_type("application/json")
            .body(format!("{{\"entries\":{entries},\"last\":{last}}}")),
        Err(error) => HttpResponse::InternalServerError().json(json!({"error": error.to_string()})),
    }
}

/// The last thousand requests that were refused; those that a fault kept from being accepted are not among them.
pub(super) async fn refusals(shared: Data<Shared>) -> HttpResponse {
    let world = shared.world();
    HttpResponse::Ok().json(world.journal.refusals().collect::<Vec<_>>())
}
