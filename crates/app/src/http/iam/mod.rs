//! `/auth`: signing up, logging in, and who one is.

mod bodies;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod signup;
mod tokens_error;

use actix_web::web::{ServiceConfig, get, post, resource};

use crate::http::extract::BodyLimit;

pub(crate) fn public_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/signup").app_data(BodyLimit::AUTH).route(post().to(signup::signup)))
        .service(resource("/auth/login").app_data(BodyLimit::AUTH).route(post().to(login::login)));
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/auth/me").route(get().to(me::me)));
}
