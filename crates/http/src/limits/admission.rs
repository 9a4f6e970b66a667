use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use tokio::time::timeout;

use super::response_body::hold_budget;
use super::{Limits, add_rate_fields};
use crate::extract::client_address;
use crate::problem::{Code, Problem};
use crate::state::State;

/// Probes must get an answer however busy the process is.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];
/// Meta's deliveries come from few addresses and are not to be lost.
const WEBHOOKS: &str = "/webhooks/";

/// Wraps the operations: bounds the requests that are worked on at once, their time, and those from one address.
///
/// # Errors The error of the inner service, or a problem if the request took too long.
pub(crate) async fn admit(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if PROBES.contains(&request.path()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let limits: &Limits = &state.limits;
    let Ok(permit) = Arc::clone(&limits.requests).try_acquire_owned() else {
        let detail = "Too many requests are worked on at once; retry later.";
        return Ok(request.error_response(Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail)));
    };
    let remaining = if request.path().starts_with(WEBHOOKS) {
        None
    } else {
        match limits.count_request(client_address(request.request())) {
            Ok(remaining) => remaining,
            Err(problem) => return Ok(request.error_response(problem)),
        }
    };
    let Ok(response) = timeout(limits.max_request_time, next.call(request)).await else {
        let problem = Problem::unavailable(Code::TemporarilyUnavailable)
            .with_detail("The request took too long; retry later.")
            .caused_by("the request took too long");
        return Err(problem.into());
    };
    drop(permit);
    let mut response = hold_budget(response?, &limits.responses);
    if let Some(remaining) = remaining {
        add_rate_fields(response.headers_mut(), "address", remaining);
    }
    Ok(response)
}
