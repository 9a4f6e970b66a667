//! The page at `/`: the customer's phone.

use actix_web::HttpResponse;
use actix_web::web;

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(async || asset("text/html; charset=utf-8", include_str!("page.html"))))
        .route("/phone.css", web::get().to(async || asset("text/css; charset=utf-8", include_str!("phone.css"))))
        .route("/phone.js", web::get().to(async || asset("text/javascript; charset=utf-8", include_str!("phone.js"))));
}

fn asset(kind: &str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header(("Cache-Control", "no-cache")).body(content)
}
