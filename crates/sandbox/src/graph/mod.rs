//! The Graph API.

mod answer;
mod auth;
mod body;
mod debug_token;
pub(crate) mod error;
mod faults;
pub(crate) mod media;
mod messages;
mod nodes;
mod paging;
mod send;
mod subscriptions;
mod templates;
mod uploads;

use actix_web::middleware::from_fn;
use actix_web::web;

pub(crate) use answer::Connection;

/// The routes, under any version.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/whatsapp_business/attachments/", web::get().to(media::download));
    config.service(
        web::scope("/{version:v\\d+\\.\\d+}")
            .wrap(from_fn(faults::apply))
            .route("/debug_token", web::get().to(debug_token::get))
            .route("/{id}/messages", web::post().to(messages::post))
            .route("/{id}/register", web::post().to(nodes::register))
            .route("/{id}/phone_numbers", web::get().to(nodes::phone_numbers))
            .route("/{id}/subscribed_apps", web::get().to(subscriptions::get))
            .route("/{id}/subscribed_apps", web::post().to(subscriptions::post))
            .route("/{id}/subscribed_apps", web::delete().to(subscriptions::delete))
            .route("/{id}/message_templates", web::get().to(templates::list))
            .route("/{id}/message_templates", web::post().to(templates::create))
            .route("/{id}/message_templates", web::delete().to(templates::delete))
            .route("/{id}/unpause", web::post().to(templates::unpause))
            .route("/{id}/media", web::post().to(media::upload))
            .route("/{id}/uploads", web::post().to(uploads::begin))
            .route("/{id:upload:[^/]+}", web::post().to(uploads::append))
            .route("/{id:upload:[^/]+}", web::get().to(uploads::offset))
            .route("/{id}", web::delete().to(media::delete))
            .route("/{id}", web::get().to(nodes::get))
            .route("/{id}", web::post().to(nodes::post))
            .default_service(web::to(unknown)),
    );
}

async fn unknown(request: actix_web::HttpRequest, shared: web::Data<crate::shared::Shared>) -> actix_web::HttpResponse {
    let message = format!("Unknown path components: {}", request.path());
    let error = error::GraphError { http_status: 400, message, ..error::GraphError::of(2500) };
    answer::Reply::refused(&shared, &error).response()
}
