//! Sessions: refresh, logout, list; and the public keys that verify access tokens.

pub(crate) mod jwks;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod sessions;

use actix_web::web::{ServiceConfig, delete, get, post, resource};

use crate::extract::BodyLimit;

pub(crate) fn public_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/.well-known/jwks.json").route(get().to(jwks::jwks)))
        .service(resource("/auth/refresh").app_data(BodyLimit::AUTH).route(post().to(refresh::refresh)));
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/logout").app_data(BodyLimit::AUTH).route(post().to(logout::log_out)))
        .service(resource("/auth/sessions").route(get().to(sessions::list)))
        .service(resource("/auth/sessions/{id}").route(delete().to(sessions::end)));
}
