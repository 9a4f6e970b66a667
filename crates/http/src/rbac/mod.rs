//! Permissions, roles, and their assignment to users.

mod authority;
mod bodies;
pub(crate) mod memberships;
pub(crate) mod permissions;
pub(crate) mod role_permissions;
pub(crate) mod roles;

use actix_web::web::{ServiceConfig, delete, get, patch, post, put, resource};

pub(crate) use authority::authority_problem;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/permissions").route(get().to(permissions::list)))
        .service(resource("/roles").route(get().to(roles::list)).route(post().to(roles::create)))
        .service(
            resource("/roles/{id}")
                .route(get().to(roles::read))
                .route(patch().to(roles::change))
                .route(delete().to(roles::delete)),
        )
        .service(resource("/roles/{id}/permissions").route(put().to(role_permissions::replace)))
        .service(resource("/users/{id}/memberships").route(get().to(memberships::list)))
        .service(
            resource("/users/{id}/memberships/{role_id}")
                .route(put().to(memberships::grant))
                .route(delete().to(memberships::revoke)),
        );
}
