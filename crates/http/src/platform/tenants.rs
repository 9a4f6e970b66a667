//! `/tenants`: tenants, for operators.

mod bodies;
pub(crate) mod change;
pub(crate) mod create;
mod query;
pub(crate) mod read;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, patch, post, resource};

use crate::operators;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/tenants")
            .wrap(from_fn(operators::authenticate))
            .service(resource("").route(get().to(read::list)).route(post().to(create::create)))
            .service(resource("/{id}").route(get().to(read::read)).route(patch().to(change::change))),
    );
}
