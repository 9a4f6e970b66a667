//! `/crm`: contacts, conversations, messages and search.

pub(crate) mod contact_change;
pub(crate) mod contact_create;
pub(crate) mod contact_delete;
pub(crate) mod contact_merge;
pub(crate) mod contacts;
pub(crate) mod conversation_change;
mod conversation_query;
pub(crate) mod conversations;
pub(crate) mod interactions;
mod message_parts;
pub(crate) mod messages;
pub(crate) mod notes;
pub(crate) mod search;
mod search_query;

use actix_web::web::{ServiceConfig, delete, get, patch, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/crm/contacts").route(get().to(contacts::list)).route(post().to(contact_create::create)))
        .service(
            resource("/crm/contacts/{id}")
                .route(get().to(contacts::read))
                .route(patch().to(contact_change::change))
                .route(delete().to(contact_delete::delete)),
        )
        .service(resource("/crm/contacts/{id}/merge").route(post().to(contact_merge::merge)))
        .service(
            resource("/crm/contacts/{id}/interactions")
                .route(get().to(interactions::list))
                .route(post().to(notes::add)),
        )
        .service(resource("/crm/conversations").route(get().to(conversations::list)))
        .service(
            resource("/crm/conversations/{id}")
                .route(get().to(conversations::read))
                .route(patch().to(conversation_change::change)),
        )
        .service(resource("/crm/conversations/{id}/messages").route(get().to(messages::list)))
        .service(resource("/crm/search").route(get().to(search::search)));
}
