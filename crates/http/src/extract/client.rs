use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use audit::RequestOrigin;
use tokens::SessionClient;

use crate::middleware::RequestId;
use crate::state::State;

/// Client address and user agent, for the list of sessions and for rate limits by address.
#[derive(Clone, Debug)]
pub(crate) struct ClientInfo(pub(crate) SessionClient);

/// Enough to recognize a browser.
const MAX_USER_AGENT_CHARS: usize = 256;

impl FromRequest for ClientInfo {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        ready(Ok(Self(SessionClient {
            address: client_address(request),
            user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT_CHARS).collect()),
        })))
    }
}

/// The peer's address, or the one that a trusted proxy reports: any client can send `X-Forwarded-For`.
pub(crate) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|address| address.ip());
    match request.app_data::<Data<State>>() {
        Some(state) => state.trusted_proxies.client(peer, request.headers()),
        None => peer,
    }
}

/// Client address and request id, for the audit log.
#[derive(Clone, Debug)]
pub(crate) struct OriginOfRequest(pub(crate) RequestOrigin);

impl FromRequest for OriginOfRequest {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(origin(request))))
    }
}

/// Client address and request id of a request.
pub(crate) fn origin(request: &HttpRequest) -> RequestOrigin {
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    RequestOrigin { address: client_address(request), request_id }
}
