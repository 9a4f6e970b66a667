use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{Error, HttpResponse, ResponseError as _};

use super::headers::add_headers;
use super::request_id::RequestId;
use crate::problem::{Code, MEDIA_TYPE, Problem};

/// Turns every error response, including the framework's own, into a problem with the request's id.
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
        None => Problem::new(Code::for_framework_error(status)).to_json(Some(id.as_str())),
    };
    let mut response = response.map_body(|_, _| BoxBody::new(body.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// An error from outside of handlers and extractors, for which no response exists yet, such as a request that took too long.
pub(super) fn outside_of_handlers(error: &Error, id: &RequestId) -> Error {
    let (cause, response) = if let Some(problem) = error.as_error::<Problem>() {
        log_cause(problem);
        (problem.to_string(), with_body(problem, id))
    } else {
        let problem = Problem::new(Code::for_framework_error(error.as_response_error().status_code()))
            .caused_by(error.to_string());
        log_cause(&problem);
        (problem.to_string(), with_body(&problem, id))
    };
    InternalError::from_response(cause, response).into()
}

fn with_body(problem: &Problem, id: &RequestId) -> HttpResponse {
    let body = BoxBody::new(problem.to_json(Some(id.as_str())).to_string());
    let mut response = problem.error_response().set_body(body);
    add_headers(response.headers_mut(), id);
    response
}

fn log_cause(problem: &Problem) {
    let code = problem.code();
    if let Some(cause) = problem.cause_chain() {
        if code.status().is_server_error() {
            tracing::error!(code = code.key(), cause, "request failed");
        } else {
            tracing::warn!(code = code.key(), cause, "request refused");
        }
    }
}
