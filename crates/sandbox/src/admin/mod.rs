//! The API under `/sandbox`, by which tests set the sandbox up and read what it saw.

mod answer;
mod clock;
mod customers;
mod faults;
mod journal;
mod media;
mod numbers;
mod origin;
mod phone;
mod state;
mod templates;
mod webhooks;

use actix_web::HttpResponse;
use actix_web::middleware::from_fn;
use actix_web::web;

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/sandbox")
            .wrap(from_fn(origin::check))
            .route("/state", web::get().to(state::get))
            .route("/reset", web::post().to(state::reset))
            .route("/clock", web::get().to(clock::get))
            .route("/clock", web::post().to(clock::post))
            .route("/numbers", web::get().to(numbers::list))
            .route("/numbers", web::post().to(numbers::put))
            .route("/numbers/{id}", web::get().to(numbers::get))
            .route("/numbers/{id}", web::patch().to(numbers::patch))
            .route("/numbers/{id}", web::delete().to(numbers::delete))
            .route("/wabas", web::get().to(numbers::wabas))
            .route("/wabas/{id}", web::patch().to(numbers::patch_waba))
            .route("/wabas/{id}/sample_templates", web::post().to(templates::samples))
            .route("/journal", web::get().to(journal::entries))
            .route("/refusals", web::get().to(journal::refusals))
            .route("/faults", web::get().to(faults::list))
            .route("/faults", web::post().to(faults::add))
            .route("/faults", web::delete().to(faults::clear))
            .route("/faults/seed", web::post().to(faults::seed))
            .route("/faults/{id}", web::delete().to(faults::remove))
            .route("/customers", web::get().to(customers::list))
            .route("/customers", web::post().to(customers::put))
            .route("/media", web::get().to(media::list))
            .route("/media", web::post().to(media::add))
            .route("/media/{id}", web::get().to(media::content))
            .route("/media/{id}", web::delete().to(media::remove))
            .route("/phone/messages", web::post().to(phone::write))
            .route("/phone/read", web::post().to(phone::read))
            .route("/phone/chat", web::get().to(phone::chat))
            .route("/phone/events", web::get().to(phone::events))
            .route("/templates", web::get().to(templates::list))
            .route("/templates", web::post().to(templates::put))
            .route("/templates/{id}", web::patch().to(templates::patch))
            .route("/deliveries", web::get().to(webhooks::deliveries))
            .route("/webhooks", web::post().to(webhooks::post))
            .route("/webhooks/send", web::post().to(webhooks::send))
            .default_service(web::to(unknown)),
    );
}

async fn unknown() -> Result<HttpResponse, answer::AdminError> {
    Err(answer::not_found("no such path; crates/sandbox/README.md has them all"))
}
