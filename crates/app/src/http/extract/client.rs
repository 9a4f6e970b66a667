use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use audit::Origin;
use tokens::Client;

use crate::http::{RequestId, State};

/// Where a request comes from: to be shown in the list of one's sessions, and for what is counted by address.
#[derive(Clone, Debug)]
pub(crate) struct ClientInfo(pub(crate) Client);

/// Enough to recognize a browser by.
const MAX_USER_AGENT_CHARS: usize = 256;

impl FromRequest for ClientInfo {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        ready(Ok(Self(Client {
            address: address(request),
            user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT_CHARS).collect()),
        })))
    }
}

/// The connection's, or what a trusted proxy says: anybody else can write an `X-Forwarded-For`, too.
fn address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|address| address.ip());
    match request.app_data::<Data<State>>() {
        Some(state) => state.trusted_proxies.client(peer, request.headers()),
        None => peer,
    }
}

/// Where a request comes from and what it is called, for the audit log.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin(pub(crate) Origin);

impl FromRequest for RequestOrigin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(origin(request))))
    }
}

/// The same of a request.
pub(crate) fn origin(request: &HttpRequest) -> Origin {
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    Origin { address: address(request), request_id }
}
