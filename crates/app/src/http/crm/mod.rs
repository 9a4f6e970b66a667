//! `/crm`: the customers of a tenant and what is said with them.

pub(crate) mod contacts;
mod conversation_query;
pub(crate) mod conversations;
pub(crate) mod messages;

use actix_web::web::{ServiceConfig, get, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/crm/contacts").route(get().to(contacts::list)))
        .service(resource("/crm/conversations").route(get().to(conversations::list)))
        .service(resource("/crm/conversations/{id}").route(get().to(conversations::read)))
        .service(resource("/crm/conversations/{id}/messages").route(get().to(messages::list)));
}
