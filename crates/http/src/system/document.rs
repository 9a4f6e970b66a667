use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};

use crate::auth::Public;
use crate::openapi::OpenApiJson;
use crate::tags;

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = tags::OPERATIONS,
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub(crate) async fn document(_public: Public, document: web::Data<OpenApiJson>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(document.0)
}
