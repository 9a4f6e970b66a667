//! Authentication and permission checks for users.
//!
//! The middleware [`authenticate`] wraps the protected routes. It never refuses a request itself: it stores the caller
//! in the request's extensions, and the first argument of the handler, [`Allow`] or [`Authenticated`], accepts or
//! refuses the caller. These extractors are synchronous and come first: the framework polls all arguments concurrently,
//! and an anonymous caller with a malformed body must get 401, not 400.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use audit::RequestOrigin;
use flows::{Access, AuthenticateError};
use kernel::ids::{TenantId, UserId};
use kernel::{AuthenticatedUser, Grant, Permit, TenantScope};
use metrics::counter;
use tracing::{Span, field};

use crate::extract::{origin, tenant_header};
use crate::limits::{Remaining, Slot, add_rate_fields};
use crate::metrics::AUTH_ATTEMPTS;
use crate::problem::{Code, Problem};
use crate::state::State;

/// `WWW-Authenticate` for a request without a token.
pub(crate) const BEARER_CHALLENGE: &str = r#"Bearer realm="parley""#;

/// Result of the middleware, for the extractors.
enum Caller {
    Authenticated(Rc<Access>),
    Refused(Problem),
}

/// The place of a request among those of its tenant that are worked on at once. It is free when this is dropped.
struct TenantSlot {
    _slot: Option<Slot<TenantId>>,
}

/// Frees the place of a request among those of its tenant. What follows has a bound of its own.
pub(crate) fn free_tenant_slot(request: &HttpRequest) {
    drop(request.extensions_mut().remove::<TenantSlot>());
}

/// Reads `Authorization: Bearer` and stores the caller with the permissions they hold now.
///
/// # Errors The error of the inner service.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut remaining = None;
    let mut slot = None;
    let caller = match bearer_token(request.headers()) {
        Ok(None) => None,
        Ok(Some(token)) => Some(authenticate_token(&state, token, request.headers(), &mut remaining, &mut slot).await),
        Err(problem) => Some(Err(problem)),
    };
    if let Some(caller) = caller {
        let caller = caller.map_or_else(Caller::Refused, |access| Caller::Authenticated(Rc::new(access)));
        request.extensions_mut().insert(caller);
    }
    request.extensions_mut().insert(TenantSlot { _slot: slot });
    let mut response = next.call(request).await?;
    free_tenant_slot(response.request());
    if let Some(remaining) = remaining {
        add_rate_fields(response.headers_mut(), "user", remaining);
    }
    Ok(response)
}

/// Limits apply before the database is asked: a valid token names the user and the tenant.
async fn authenticate_token(
    state: &State,
    token: &str,
    headers: &HeaderMap,
    remaining: &mut Option<Remaining>,
    slot: &mut Option<Slot<TenantId>>,
) -> Result<Access, Problem> {
    let verified = flows::verify_token(&state.auth, token).await;
    let outcome = match verified {
        Ok(verified) => {
            *remaining = state.limits.count_user(verified.claims.user)?;
            *slot = state.limits.tenant_slot(verified.claims.tenant).await?;
            flows::authenticate_verified(&state.auth, &verified).await
        }
        Err(invalid) => Err(invalid.into()),
    };
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
        Some(named) if !named.matches(&access.tenant) => Err(Problem::new(Code::TenantMismatch)),
        _ => Ok(access),
    }
}

/// The token of the single `Authorization` header. A scheme other than `Bearer` counts as no token (RFC 6750, section
/// 3.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    if rest.is_some() {
        return Err(Problem::new(Code::AmbiguousCredentials));
    }
    let credentials = value.to_str().ok().and_then(|text| text.split_once(' '));
    Ok(credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

/// The one response for every invalid token or key.
pub(crate) fn invalid_token() -> Problem {
    challenge(Code::InvalidToken, r#"Bearer realm="parley", error="invalid_token""#)
}

/// A 401 must carry a challenge (RFC 9110, section 15.5.2).
pub(crate) fn challenge(code: Code, value: &'static str) -> Problem {
    Problem::new(code).with_header(WWW_AUTHENTICATE, HeaderValue::from_static(value))
}

/// The caller, or why the caller is refused.
fn caller(request: &HttpRequest) -> Result<Rc<Access>, Problem> {
    match request.extensions_mut().remove::<Caller>() {
        Some(Caller::Authenticated(access)) => Ok(access),
        Some(Caller::Refused(problem)) => Err(problem),
        None => Err(challenge(Code::Unauthenticated, BEARER_CHALLENGE)),
    }
}

/// Proof that the caller holds the permission `P`. The first argument of every protected handler.
#[derive(Debug)]
pub struct Allow<P> {
    caller: AuthenticatedUser,
    permit: Permit<P>,
    origin: RequestOrigin,
}

impl<P: Grant> Allow<P> {
    /// The permit that the use case requires.
    #[must_use]
    pub fn permit(self) -> Permit<P> {
        self.permit
    }

    /// The permit, without consuming it.
    #[must_use]
    pub const fn permit_ref(&self) -> &Permit<P> {
        &self.permit
    }

    /// The caller's tenant.
    #[must_use]
    pub const fn scope(&self) -> &TenantScope {
        self.permit.scope()
    }

    /// The caller.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.caller.user
    }

    /// A permit for another permission, if the caller holds it.
    #[must_use]
    pub fn try_permit<Q: Grant>(&self) -> Option<Permit<Q>> {
        self.caller.permit()
    }

    /// Client address and request id, for the audit log.
    #[must_use]
    pub fn origin(&self) -> RequestOrigin {
        self.origin.clone()
    }

    fn check(request: &HttpRequest) -> Result<Self, Problem> {
        let access = caller(request)?;
        let caller = AuthenticatedUser {
            user: access.user.id,
            tenant: access.tenant.id,
            session: access.session.id,
            permissions: access.permissions.clone(),
        };
        let permit = caller.permit().ok_or_else(|| insufficient_scope(P::PERMISSION.key()))?;
        Ok(Self { caller, permit, origin: origin(request) })
    }
}

/// The tenant that the caller's access token names.
fn tenant_scope(access: &Access) -> TenantScope {
    #[expect(clippy::disallowed_methods, reason = "the caller's access token names the tenant, and was verified")]
    TenantScope::mint(access.tenant.id)
}

/// The caller lacks a user's permission or a provisioning key's scope.
pub(crate) fn insufficient_scope(scope: &str) -> Problem {
    let problem = Problem::new(Code::InsufficientScope).with_detail(format!("The permission {scope} is required."));
    let value = format!(r#"{BEARER_CHALLENGE}, error="insufficient_scope", scope="{scope}""#);
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

/// The caller is logged in; no permission is required.
#[derive(Debug)]
pub struct Authenticated {
    pub(crate) access: Rc<Access>,
    /// The caller's tenant.
    pub(crate) scope: TenantScope,
}

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(|access| Self { scope: tenant_scope(&access), access }))
    }
}

/// The operation is public. Takes the position of [`Allow`] in a protected handler.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}
