//! Authentication and permission checks for users, and for programs with an API key.
//!
//! The middleware [`authenticate`] wraps the protected routes. It never refuses a request itself: it stores the caller
//! in the request's extensions, and the first argument of the handler, [`Allow`], [`Authenticated`] or
//! [`AuthenticatedCaller`], accepts or refuses the caller. These extractors are synchronous and come first: the framework polls all arguments concurrently,
//! and an anonymous caller with a malformed body must get 401, not 400.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use audit::RequestOrigin;
use flows::{Access, AuthenticateError, KeyAccess};
use iam::Tenant;
use kernel::ids::TenantId;
use kernel::{Actor, Grant, Permit, TenantScope};
use metrics::counter;
use tokens::{ApiKeyRefusal, ApiKeySecret, ShownApiKey};
use tracing::{Span, field};

use crate::extract::{client_address, origin, tenant_header};
use crate::limits::{Remaining, Slot, add_rate_fields};
use crate::metrics::{API_KEY, AUTH_ATTEMPTS};
use crate::problem::{Code, Problem};
use crate::state::State;

/// `WWW-Authenticate` for a request without a token.
pub(crate) const BEARER_CHALLENGE: &str = r#"Bearer realm="parley""#;

/// Who sent a request, as it is stored now.
#[derive(Clone, Debug)]
pub(crate) enum AuthenticatedCaller {
    User(Rc<Access>),
    Program(Rc<KeyAccess>),
}

/// The place of a request among those of its tenant that are worked on at once. It is free when this is dropped.
struct TenantSlot {
    _slot: Option<Slot<TenantId>>,
}

/// Frees the place of a request among those of its tenant. What follows has a bound of its own.
pub(crate) fn free_tenant_slot(request: &HttpRequest) {
    drop(request.extensions_mut().remove::<TenantSlot>());
}

/// Result of the middleware, for the extractors.
struct Caller(Result<AuthenticatedCaller, Problem>);

/// Reads `Authorization: Bearer` and stores the caller with the permissions they hold now. An API key goes wherever an access token
/// goes.
///
/// # Errors The error of the inner service.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut counted = Counted::default();
    let caller = match bearer_token(request.headers()) {
        Ok(None) => None,
        Ok(Some(token)) => Some(authenticate_bearer(&state, token, &request, &mut counted).await),
        Err(problem) => Some(Err(problem)),
    };
    let policy = match &caller {
        Some(Ok(AuthenticatedCaller::Program(_))) => "api_key",
        _ => "user",
    };
    if let Some(caller) = caller {
        request.extensions_mut().insert(Caller(caller));
    }
    request.extensions_mut().insert(TenantSlot { _slot: counted.slot.take() });
    let mut response = next.call(request).await?;
    free_tenant_slot(response.request());
    if let Some(remaining) = counted.remaining {
        add_rate_fields(response.headers_mut(), policy, remaining);
    }
    Ok(response)
}

/// What a request has used of the limits.
#[derive(Default)]
struct Counted {
    remaining: Option<Remaining>,
    slot: Option<Slot<TenantId>>,
}

impl Counted {
    async fn count(&mut self, state: &State, actor: Actor, tenant: TenantId) -> Result<(), Problem> {
        self.remaining = state.limits.count_caller(actor)?;
        self.slot = state.limits.tenant_slot(tenant).await?;
        Ok(())
    }
}

async fn authenticate_bearer(
    state: &State,
    token: &str,
    request: &ServiceRequest,
    counted: &mut Counted,
) -> Result<AuthenticatedCaller, Problem> {
    let caller = if token.starts_with(ApiKeySecret::PREFIX) {
        let access = authenticate_key(state, token, request).await?;
        // Only what the database has confirmed counts: the ids in a key are no secret, so that others could use up its quota.
        counted.count(state, Actor::ApiKey(access.key.id), access.tenant.id).await?;
        AuthenticatedCaller::Program(Rc::new(access))
    } else {
        AuthenticatedCaller::User(Rc::new(authenticate_token(state, token, counted).await?))
    };
    let span = Span::current();
    span.record("tenant_id", field::display(caller.tenant().id));
    match caller.actor() {
        Actor::User(user) => span.record("user_id", field::display(user)),
        Actor::ApiKey(key) => span.record("api_key_id", field::display(key)),
    };
    match tenant_header(request.headers())? {
        Some(named) if !named.matches(caller.tenant()) => Err(Problem::new(Code::TenantMismatch)),
        _ => Ok(caller),
    }
}

/// Checks an API key. All that is wrong with a key gets the one response.
pub(crate) async fn authenticate_key(
    state: &State,
    shown: &str,
    request: &ServiceRequest,
) -> Result<KeyAccess, Problem> {
    let outcome = match ShownApiKey::parse(shown) {
        Ok(shown) => {
            let address = client_address(request.request());
            flows::authenticate_api_key(&*state.database, &shown, address, state.clock.now()).await
        }
        Err(_) => Ok(Err(ApiKeyRefusal::Malformed)),
    };
    let label = match &outcome {
        Ok(Ok(_)) => "ok",
        Ok(Err(refusal)) => refusal.into_str(),
        Err(_) => "failed",
    };
    counter!(AUTH_ATTEMPTS, "action" => API_KEY, "outcome" => label).increment(1);
    outcome?.map_err(|_| invalid_token())
}

/// Limits apply before the database is asked: a valid token names the user and the tenant.
async fn authenticate_token(state: &State, token: &str, counted: &mut Counted) -> Result<Access, Problem> {
    let verified = flows::verify_token(&state.auth, token).await;
    let outcome = match verified {
        Ok(verified) => {
            counted.count(state, verified.claims.user.into(), verified.claims.tenant).await?;
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
    outcome.map_err(|error| match error {
        AuthenticateError::InvalidToken(_) => invalid_token(),
        AuthenticateError::Store(error) => error.into(),
    })
}

impl AuthenticatedCaller {
    pub(crate) fn tenant(&self) -> &Tenant {
        match self {
            Self::User(access) => &access.tenant,
            Self::Program(access) => &access.tenant,
        }
    }

    fn actor(&self) -> Actor {
        match self {
            Self::User(access) => Actor::User(access.user.id),
            Self::Program(access) => Actor::ApiKey(access.key.id),
        }
    }

    /// With the permissions that the caller holds now.
    fn with_permissions(&self) -> kernel::AuthenticatedCaller {
        let permissions = match self {
            Self::User(access) => access.permissions.clone(),
            Self::Program(access) => access.key.permissions.clone(),
        };
        kernel::AuthenticatedCaller { actor: self.actor(), tenant: self.tenant().id, permissions }
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
fn caller(request: &HttpRequest) -> Result<AuthenticatedCaller, Problem> {
    match request.extensions_mut().remove::<Caller>() {
        Some(Caller(caller)) => caller,
        None => Err(challenge(Code::Unauthenticated, BEARER_CHALLENGE)),
    }
}

/// Proof that the caller holds the permission `P`. The first argument of every protected handler.
#[derive(Debug)]
pub struct Allow<P: Grant> {
    caller: kernel::AuthenticatedCaller,
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
    pub const fn actor(&self) -> Actor {
        self.caller.actor
    }

    /// For what no program may do although it holds the permission.
    pub(crate) fn require_user(&self) -> Result<(), Problem> {
        self.actor().user().map(drop).ok_or_else(|| Problem::new(Code::UsersOnly))
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
        let caller = caller(request)?.with_permissions();
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

/// The caller is a user who is logged in; no permission is required. An API key is refused.
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
        ready(caller(request).and_then(|caller| match caller {
            AuthenticatedCaller::User(access) => Ok(Self { scope: tenant_scope(&access), access }),
            AuthenticatedCaller::Program(_) => Err(Problem::new(Code::UsersOnly)),
        }))
    }
}

impl FromRequest for AuthenticatedCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Any caller; no permission is required.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request))
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
