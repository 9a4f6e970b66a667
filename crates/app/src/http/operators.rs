//! Operators' endpoints: who may call them is decided by a provisioning key, which no tenant has.
//!
//! As for [users](super::auth), a middleware notes who is asking and the first argument of the handler, [`Operate`], lets
//! them in or refuses. Whoever is refused is in the operators' audit log.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use audit::{Actor, Origin};
use flows::{AuthenticateError, OperatorAccess, authenticate_operator, note_refused_operator};
use kernel::{Operator, error_chain};
use metrics::counter;
use tokens::{ProvisioningSecret, ScopeGrant};
use tracing::error;

use crate::http::State;
use crate::http::auth::{BEARER, bearer_token, challenge, insufficient_scope, invalid_token};
use crate::http::extract::origin;
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::AUTH_ATTEMPTS;

/// Of the middleware, for the extractor.
struct Caller(Result<OperatorAccess, Problem>);

/// Looks up whose provisioning key the request shows, and writes down who is refused.
///
/// # Errors
/// What the route answers.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (origin, endpoint) = (origin(request.request()), format!("{} {}", request.method(), request.path()));
    let caller = identify(&state, &request).await;
    let actor = match &caller {
        Ok(access) => access.operator.into(),
        Err((actor, _)) => *actor,
    };
    request.extensions_mut().insert(Caller(caller.map_err(|(_, problem)| problem)));
    let response = next.call(request).await?;
    if response.status().as_u16() == 401 || response.status().as_u16() == 403 {
        note_refused(&state, actor, origin, &endpoint, response.status().as_u16()).await;
    }
    Ok(response)
}

async fn note_refused(state: &State, actor: Actor, origin: Origin, endpoint: &str, status: u16) {
    let why = if status == 401 { "no key in force" } else { "not allowed" };
    let identity = &state.identity;
    let noted = note_refused_operator(&*identity.database, actor, origin, endpoint, why, &*identity.clock).await;
    if let Err(error) = noted {
        // The refusal stands.
        error!(error = error_chain(&error), "a refused operator was not written down");
    }
}

async fn identify(state: &State, request: &ServiceRequest) -> Result<OperatorAccess, (Actor, Problem)> {
    let anonymous = |problem: Problem| (Actor::Anonymous, problem);
    let Some(shown) = bearer_token(request.headers()).map_err(anonymous)? else {
        return Err(anonymous(challenge(Code::Unauthenticated, BEARER)));
    };
    let identity = &state.identity;
    if !shown.starts_with(ProvisioningSecret::PREFIX) {
        // A user of a tenant is told that this is not for users, whatever they may do there.
        return Err(match flows::authenticate(identity, shown).await {
            Ok(access) => (Actor::User(access.user.id), Problem::new(Code::OperatorsOnly)),
            Err(AuthenticateError::InvalidToken(_)) => anonymous(invalid_token()),
            Err(AuthenticateError::Store(error)) => anonymous(error.into()),
        });
    }
    let found = authenticate_operator(&*identity.database, state.bootstrap_key.as_ref(), shown, &*identity.clock).await;
    let outcome = match &found {
        Ok(Some(_)) => "ok",
        Ok(None) => "invalid_token",
        Err(_) => "failed",
    };
    counter!(AUTH_ATTEMPTS, "action" => "provisioning_key", "outcome" => outcome).increment(1);
    found.map_err(|error| anonymous(error.into()))?.ok_or_else(|| anonymous(invalid_token()))
}

/// The caller is an operator whose key has the scope `S`. The first argument of every operators' handler.
#[derive(Debug)]
pub(crate) struct Operate<S> {
    operator: Operator,
    origin: Origin,
    scope: PhantomData<S>,
}

impl<S: ScopeGrant> Operate<S> {
    /// The proof that use cases demand.
    pub(crate) const fn operator(&self) -> Operator {
        self.operator
    }

    /// Where the request comes from, for the audit log.
    pub(crate) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn check(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = request.extensions_mut().remove::<Caller>();
        let Caller(caller) = caller.ok_or_else(|| challenge(Code::Unauthenticated, BEARER))?;
        let access = caller?;
        if !access.may(S::SCOPE) {
            return Err(insufficient_scope(S::SCOPE.key()));
        }
        Ok(Self { operator: access.operator, origin: origin(request), scope: PhantomData })
    }
}

impl<S: ScopeGrant> FromRequest for Operate<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request))
    }
}
