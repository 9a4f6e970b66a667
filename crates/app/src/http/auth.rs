//! Who is asking, and may they?
//!
//! [`authenticate`] wraps the protected routes. It answers nothing itself: it notes who is asking, and the first argument of
//! the handler, [`Allow`] or [`Authenticated`], lets them in or refuses. Those are synchronous extractors and come first:
//! the framework polls all arguments at once, and an anonymous caller with a malformed body must be told 401, not 400.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use audit::Origin;
use flows::{Access, AuthenticateError};
use kernel::ids::UserId;
use kernel::{Actor, Grant, Permit, TenantScope};
use metrics::counter;
use tracing::{Span, field};

use crate::http::State;
use crate::http::extract::{origin, tenant_header};
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::AUTH_ATTEMPTS;

/// The challenge to who showed no token.
pub(crate) const BEARER: &str = r#"Bearer realm="parley""#;

/// Of the middleware, for the extractors.
enum Caller {
    Known(Rc<Access>),
    Refused(Problem),
}

/// Reads `Authorization: Bearer` and notes who is asking, with the rights they have at this moment.
///
/// # Errors
/// What the route answers.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let caller = match bearer_token(request.headers()) {
        Ok(None) => None,
        Ok(Some(token)) => Some(identify(&state, token, request.headers()).await),
        Err(problem) => Some(Err(problem)),
    };
    if let Some(caller) = caller {
        let caller = caller.map_or_else(Caller::Refused, |access| Caller::Known(Rc::new(access)));
        request.extensions_mut().insert(caller);
    }
    next.call(request).await
}

async fn identify(state: &State, token: &str, headers: &HeaderMap) -> Result<Access, Problem> {
    let outcome = flows::authenticate(&state.identity, token).await;
    let label = match &outcome {
        Ok(_) => "ok",
        Err(AuthenticateError::InvalidToken(_)) => "invalid_token",
        Err(AuthenticateError::Store(_)) => "failed",
    };
    counter!(AUTH_ATTEMPTS, "action" => "token", "outcome" => label).increment(1);
    let access = outcome.map_err(|error| match error {
        AuthenticateError::InvalidToken(_) => invalid_token(),
        AuthenticateError::Store(error) => error.into(),
    })?;
    let span = Span::current();
    span.record("tenant_id", field::display(access.tenant.id)).record("user_id", field::display(access.user.id));
    match tenant_header(headers)? {
        Some(named) if !named.names(&access.tenant) => Err(Problem::new(Code::TenantMismatch)),
        _ => Ok(access),
    }
}

/// The token of the one `Authorization` header. Another scheme than `Bearer` is none that we know, so none (RFC 6750,
/// section 3.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    if rest.is_some() {
        return Err(Problem::new(Code::AmbiguousCredentials));
    }
    let credentials = value.to_str().ok().and_then(|text| text.split_once(' '));
    Ok(credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

/// One answer, whatever is wrong with a token or a key.
pub(crate) fn invalid_token() -> Problem {
    challenge(Code::InvalidToken, r#"Bearer realm="parley", error="invalid_token""#)
}

/// A 401 says how to do better (RFC 9110, section 15.5.2).
pub(crate) fn challenge(code: Code, value: &'static str) -> Problem {
    Problem::new(code).with_header(WWW_AUTHENTICATE, HeaderValue::from_static(value))
}

/// Who is asking, or why they may not.
fn caller(request: &HttpRequest) -> Result<Rc<Access>, Problem> {
    match request.extensions_mut().remove::<Caller>() {
        Some(Caller::Known(access)) => Ok(access),
        Some(Caller::Refused(problem)) => Err(problem),
        None => Err(challenge(Code::Unauthenticated, BEARER)),
    }
}

/// The caller holds the permission `P`. The first argument of every protected handler.
#[derive(Debug)]
pub struct Allow<P> {
    actor: Actor,
    permit: Permit<P>,
    scope: TenantScope,
    origin: Origin,
}

impl<P: Grant> Allow<P> {
    /// The proof that the use case demands.
    #[must_use]
    pub fn permit(self) -> Permit<P> {
        self.permit
    }

    /// The same, to be shown before it is spent.
    #[must_use]
    pub const fn proof(&self) -> &Permit<P> {
        &self.permit
    }

    /// The caller's tenant.
    #[must_use]
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// Who is calling.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.actor.user
    }

    /// Proof of another permission, where the caller happens to hold it, too.
    #[must_use]
    pub fn also<Q: Grant>(&self) -> Option<Permit<Q>> {
        self.actor.permit()
    }

    /// Where the request comes from, for the audit log.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn check(request: &HttpRequest) -> Result<Self, Problem> {
        let access = caller(request)?;
        let actor = Actor {
            user: access.user.id,
            tenant: access.tenant.id,
            session: access.session.id,
            permissions: access.permissions.clone(),
        };
        let permit = actor.permit().ok_or_else(|| insufficient_scope(P::PERMISSION.key()))?;
        #[expect(clippy::disallowed_methods, reason = "the caller's access token names the tenant, and was verified")]
        let scope = TenantScope::mint(actor.tenant);
        Ok(Self { actor, permit, scope, origin: origin(request) })
    }
}

/// What is missing is a permission of a user, or a scope of a provisioning key.
pub(crate) fn insufficient_scope(scope: &str) -> Problem {
    let problem = Problem::new(Code::InsufficientScope).with_detail(format!("The permission {scope} is missing."));
    let value = format!(r#"{BEARER}, error="insufficient_scope", scope="{scope}""#);
    match HeaderValue::from_str(&value) {
        Ok(value) => problem.with_header(WWW_AUTHENTICATE, value),
        Err(error) => Problem::internal(error),
    }
}

impl<P: Grant> FromRequest for Allow<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request))
    }
}

/// The caller is logged in; what they may do does not matter.
#[derive(Debug)]
pub struct Authenticated(pub Rc<Access>);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(Self))
    }
}

/// Anyone may call this. Says so where a protected handler says what it takes.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}
