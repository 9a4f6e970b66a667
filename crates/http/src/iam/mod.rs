//! `/auth`: sign-up, registration, login, the caller; `/users` and `/tenant`: the tenant's users and settings.

pub(crate) mod auth_attempt;
pub(crate) mod bodies;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod new_password;
pub(crate) mod password;
pub(crate) mod register;
pub(crate) mod signup;
pub(crate) mod tenant;
pub(crate) mod users;

use actix_web::web::{ServiceConfig, delete, get, patch, post, resource};

use crate::extract::BodyLimit;

pub(crate) fn public_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/signup").app_data(BodyLimit::AUTH).route(post().to(signup::signup)))
        .service(resource("/auth/register").app_data(BodyLimit::AUTH).route(post().to(register::register)))
        .service(resource("/auth/login").app_data(BodyLimit::AUTH).route(post().to(login::login)));
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/me").route(get().to(me::me)))
        .service(resource("/auth/password").app_data(BodyLimit::AUTH).route(post().to(password::change)))
        .service(resource("/tenant").route(get().to(tenant::read)).route(patch().to(tenant::change)))
        .service(resource("/users").route(get().to(users::list)).route(post().to(users::create)))
        .service(
            resource("/users/{id}")
                .route(get().to(users::read))
                .route(patch().to(users::change))
                .route(delete().to(users::delete)),
        );
}
