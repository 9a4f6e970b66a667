use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use actix_web::{Error, ResponseError as _};

use super::RequestId;
use crate::http::openapi;
use crate::http::problem::{Code, MEDIA_TYPE, Problem};

/// Makes a problem of every refusal, the framework's own included, and adds the request's id.
pub(super) fn complete<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    id: &RequestId,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response.map_into_boxed_body();
    }
    let body = match response.response().error().and_then(Error::as_error::<Problem>) {
        Some(problem) => {
            log_cause(problem);
            problem.to_json(Some(id.as_str()))
        }
        None => Problem::new(Code::of_framework(status)).to_json(Some(id.as_str())),
    };
    let allow = (status == StatusCode::METHOD_NOT_ALLOWED).then(|| allow(&response)).flatten();
    let mut response = response.map_body(|_, _| BoxBody::new(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some(allow) = allow {
        headers.insert(ALLOW, allow);
    }
    response
}

/// An error that no handler or extractor made, so that there is no response to complete.
pub(super) fn outside_of_handlers(error: &Error, id: &RequestId) -> Error {
    let problem =
        Problem::new(Code::of_framework(error.as_response_error().status_code())).caused_by(error.to_string());
    log_cause(&problem);
    let response = problem.error_response().set_body(BoxBody::new(problem.to_json(Some(id.as_str())).to_string()));
    InternalError::from_response(problem, response).into()
}

fn log_cause(problem: &Problem) {
    let code = problem.code();
    if let Some(cause) = problem.cause_chain() {
        if code.status().is_server_error() {
            tracing::error!(code = code.key(), cause, "the request failed");
        } else {
            tracing::warn!(code = code.key(), cause, "the request was refused");
        }
    }
}

/// The methods that the path has (RFC 9110, section 15.5.6). What the document does not have, such as its own page, can only
/// be read.
fn allow<B>(response: &ServiceResponse<B>) -> Option<HeaderValue> {
    let pattern = response.request().match_pattern()?;
    HeaderValue::from_str(&openapi::methods_of(&pattern).unwrap_or_else(|| "GET".to_owned())).ok()
}
