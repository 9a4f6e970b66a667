//! `/crm`: the customers of a tenant and what is said with them.

pub(crate) mod contact_merge;
pub(crate) mod contacts;
mod conversation_query;
pub(crate) mod conversations;
pub(crate) mod interactions;
mod message_parts;
pub(crate) mod messages;

use actix_web::web::{ServiceConfig, get, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/crm/contacts").route(get().to(contacts::list)))
        .service(resource("/crm/contacts/{id}").route(get().to(contacts::read)))
        .service(resource("/crm/contacts/{id}/merge").route(post().to(contact_merge::merge)))
        .service(resource("/crm/contacts/{id}/interactions").route(get().to(interactions::list)))
        .service(resource("/crm/conversations").route(get().to(conversations::list)))
        .service(resource("/crm/conversations/{id}").route(get().to(conversations::read)))
        .service(resource("/crm/conversations/{id}/messages").route(get().to(messages::list)));
}
