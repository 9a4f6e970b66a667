use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use audit::Origin;
use tokens::Client;

use crate::http::RequestId;

/// Where a request comes from, to be shown in the list of one's sessions.
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

/// The connection's: anybody can write an `X-Forwarded-For`.
fn address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip())
}

/// Where a request comes from, for the audit log.
pub(crate) fn origin(request: &HttpRequest) -> Origin {
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    Origin { address: address(request), request_id }
}
