//! Keeps web pages of other origins from using this API through the browser of someone who reaches it.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use serde_json::json;

pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = header(HOST).unwrap_or_default();
    // Only browsers send it.
    let is_foreign =
        header(ORIGIN).is_some_and(|origin| origin.split_once("://").is_none_or(|(_, authority)| authority != host));
    if is_foreign {
        let refusal = HttpResponse::Forbidden().json(json!({"error": "this API is not for pages of other origins"}));
        return Ok(request.into_response(refusal));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
