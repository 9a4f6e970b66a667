use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

use crate::auth::Public;
use crate::openapi::{self, tag};

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = tag::OPERATIONS,
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub(crate) async fn document(_public: Public) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(openapi::json())
}
