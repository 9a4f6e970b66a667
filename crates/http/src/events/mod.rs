//! `/webhook-events`: list, read, replay and discard.

pub(crate) mod bodies;
pub(crate) mod discard;
pub(crate) mod replay;
pub(crate) mod webhook_events;

use actix_web::web::{ServiceConfig, get, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/webhook-events").route(get().to(webhook_events::list)))
        .service(resource("/webhook-events/replay").route(post().to(replay::replay_many)))
        .service(resource("/webhook-events/{id}").route(get().to(webhook_events::read)))
        .service(resource("/webhook-events/{id}/replay").route(post().to(replay::replay)))
        .service(resource("/webhook-events/{id}/discard").route(post().to(discard::discard)));
}
