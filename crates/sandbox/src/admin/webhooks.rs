//! `/sandbox/deliveries` and `/sandbox/webhooks`.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Query};
use serde::Deserialize;
use serde_json::Value;

use super::answer::{self, AdminError};
use crate::shared::Shared;
use crate::webhooks::payload::{Content, Update};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// The last 500 requests to receivers of webhooks.
pub(super) async fn deliveries(shared: Data<Shared>, wanted: Query<After>) -> HttpResponse {
    HttpResponse::Ok().json(shared.outbox.deliveries.after(wanted.after))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    paused: bool,
}

/// Holds webhooks back, or lets them go.
pub(super) async fn post(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Pause>(&body).map(|wanted| {
        shared.outbox.pause(wanted.paused);
        HttpResponse::NoContent().finish()
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Custom {
    phone_number_id: String,
    field: String,
    value: Value,
}

/// Sends a change as it is given, to where webhooks of the number go.
pub(super) async fn send(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Custom>(&body).and_then(|custom| {
        let world = shared.world();
        let number = world.numbers.get(&custom.phone_number_id).ok_or_else(|| answer::not_found("no such number"))?;
        let destination = world
            .destination(&custom.phone_number_id, custom.field == "messages")
            .ok_or_else(|| answer::bad_request("webhooks of this number go nowhere"))?;
        let waba_id = number.settings.waba_id.clone();
        let update = Update { waba_id, content: Content::Change { field: custom.field, value: custom.value } };
        drop(world);
        shared.tell((destination, update));
        Ok(HttpResponse::Accepted().finish())
    })
}
