use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, web};
use iam::network;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::response_body::hold_budget;
use super::{Limits, Slot, add_rate_fields};
use crate::extract::client_address;
use crate::problem::{Code, Problem};
use crate::state::State;

/// Probes must get an answer however busy the process is.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];
/// Meta's deliveries come from few addresses and are not to be lost.
const WEBHOOKS: &str = "/webhooks/";
/// Files are uploaded over slow lines, too.
const UPLOADS: &str = "/crm/media";
const MAX_UPLOAD_TIME: Duration = Duration::from_mins(10);

/// The place of a request among those that are worked on at once. It is free when this is dropped.
pub(crate) struct Admission {
    _of_address: Slot<String>,
    _of_all: OwnedSemaphorePermit,
}

/// Frees the place of a request that is known to be Meta's. What follows has a bound of its own, the intake's; and Meta's
/// deliveries come from few addresses, of which many wait while the database is slow.
pub(crate) fn free_place(request: &HttpRequest) {
    drop(request.extensions_mut().remove::<Admission>());
}

/// Wraps the operations: bounds the requests that are worked on at once, of one address and in all, their time, and the rate of an
/// address.
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
    let (limits, address): (&Limits, _) = (&state.limits, client_address(request.request()));
    let busy = |detail: &'static str| Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail);
    let Ok(of_address) = limits.requests_of_addresses.acquire(network(address)).await else {
        return Ok(request.error_response(busy("Too many requests of the address are worked on at once; retry later.")));
    };
    let Ok(of_all) = Arc::clone(&limits.requests).try_acquire_owned() else {
        return Ok(request.error_response(busy("Too many requests are worked on at once; retry later.")));
    };
    let remaining = if request.path().starts_with(WEBHOOKS) {
        None
    } else {
        match limits.count_request(address) {
            Ok(remaining) => remaining,
            Err(problem) => return Ok(request.error_response(problem)),
        }
    };
    request.extensions_mut().insert(Admission { _of_address: of_address, _of_all: of_all });
    let is_upload = request.path() == UPLOADS && request.method() == Method::POST;
    let max_time = if is_upload { limits.max_request_time.max(MAX_UPLOAD_TIME) } else { limits.max_request_time };
    let Ok(response) = timeout(max_time, next.call(request)).await else {
        let problem = busy("The request took too long; retry later.");
        return Err(problem.caused_by("the request took too long").into());
    };
    let response = response?;
    drop(response.request().extensions_mut().remove::<Admission>());
    let mut response = hold_budget(response, &limits.responses);
    if let Some(remaining) = remaining {
        add_rate_fields(response.headers_mut(), "address", remaining);
    }
    Ok(response)
}
