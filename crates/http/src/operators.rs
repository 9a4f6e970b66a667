//! Authentication and scope checks for operators, by provisioning key.
//!
//! As for [users](super::auth), a middleware stores the caller, and the first argument of the handler, [`Operate`],
//! accepts or refuses it. Refused requests of callers who hold a key or an access token are recorded in the operators' audit log;
//! those of others are [counted](crate::limits::AnonymousRefusals).

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use audit::{Principal, RequestOrigin};
use flows::{AuthenticateError, OperatorAccess, OperatorKey, authenticate_operator, record_refused_operator};
use kernel::{Operator, error_chain};
use metrics::counter;
use tokens::{ApiKeySecret, ProvisioningSecret, ScopeGrant};
use tracing::error;

use crate::auth::{BEARER_CHALLENGE, bearer_token, challenge, insufficient_scope, invalid_token};
use crate::extract::origin;
use crate::metrics::{AUTH_ATTEMPTS, INVALID_KEY, NO_KEY};
use crate::problem::{Code, Problem};
use crate::state::State;

/// Result of the middleware, for the extractor.
struct Caller(Result<OperatorAccess, Problem>);

/// Looks up the provisioning key of the request, and records or counts refused requests.
///
/// # Errors The error of the inner service.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let origin = origin(request.request());
    if let Err(problem) = state.limits.check_unknown_callers(origin.address) {
        // The handler's first argument refuses.
        request.extensions_mut().insert(Caller(Err(problem)));
        return next.call(request).await;
    }
    let endpoint = endpoint(request.method().as_str(), request.path());
    let caller = authenticate_key(&state, &request).await;
    let has_token = request.headers().contains_key(AUTHORIZATION);
    let actor = match &caller {
        Ok(access) => access.operator.into(),
        Err((actor, _)) => *actor,
    };
    request.extensions_mut().insert(Caller(caller.map_err(|(_, problem)| problem)));
    let response = next.call(request).await?;
    let status = response.status().as_u16();
    if status == 401 {
        state.limits.count_unknown_caller(origin.address);
    }
    match actor {
        Principal::Anonymous if status == 401 => {
            let reason = if has_token { INVALID_KEY } else { NO_KEY };
            state.limits.anonymous_refusals.count(origin.address, reason, state.clock.now());
        }
        Principal::Anonymous => {}
        // In the background: the response to a key that has ended must not take longer than that to an unknown one.
        actor if status == 401 => {
            let state = web::Data::clone(&state);
            let background = state.background.clone();
            background.spawn(async move { record_refusal(&state, actor, origin, &endpoint, status).await });
        }
        actor if status == 403 => record_refusal(&state, actor, origin, &endpoint, status).await,
        _ => {}
    }
    Ok(response)
}

/// What was asked for, for the audit log.
fn endpoint(method: &str, path: &str) -> String {
    const MAX_PATH_CHARS: usize = 200;
    let cut: String = path.chars().take(MAX_PATH_CHARS).collect();
    format!("{method} {cut}")
}

async fn record_refusal(state: &State, actor: Principal, origin: RequestOrigin, endpoint: &str, status: u16) {
    let why = if status == 401 { "no key in force" } else { "not allowed" };
    let noted = record_refused_operator(&*state.database, actor, origin, endpoint, why, &*state.clock).await;
    if let Err(error) = noted {
        // The request stays refused.
        error!(error = error_chain(&error), "recording a refused operator request failed");
    }
}

async fn authenticate_key(state: &State, request: &ServiceRequest) -> Result<OperatorAccess, (Principal, Problem)> {
    let anonymous = |problem: Problem| (Principal::Anonymous, problem);
    let Some(token) = bearer_token(request.headers()).map_err(anonymous)? else {
        return Err(anonymous(challenge(Code::Unauthenticated, BEARER_CHALLENGE)));
    };
    if !token.starts_with(ProvisioningSecret::PREFIX) {
        // A tenant's user gets `operators_only`, whatever permissions they hold.
        if token.starts_with(ApiKeySecret::PREFIX) {
            return Err(match crate::auth::authenticate_key(state, token, request).await {
                Ok(access) => (Principal::ApiKey(access.key.id), Problem::new(Code::OperatorsOnly)),
                Err(problem) => anonymous(problem),
            });
        }
        return Err(match flows::authenticate(&state.auth, token).await {
            Ok(access) => (Principal::User(access.user.id), Problem::new(Code::OperatorsOnly)),
            Err(AuthenticateError::InvalidToken(_)) => anonymous(invalid_token()),
            Err(AuthenticateError::Store(error)) => anonymous(error.into()),
        });
    }
    let found = authenticate_operator(&*state.database, state.bootstrap_key.as_ref(), token, &*state.clock).await;
    let outcome = match &found {
        Ok(OperatorKey::InForce(_)) => "ok",
        Ok(OperatorKey::Ended(_) | OperatorKey::Unknown) => "invalid_token",
        Err(_) => "failed",
    };
    counter!(AUTH_ATTEMPTS, "action" => "provisioning_key", "outcome" => outcome).increment(1);
    match found.map_err(|error| anonymous(error.into()))? {
        OperatorKey::InForce(access) => Ok(access),
        OperatorKey::Ended(key) => Err((Principal::ProvisioningKey(key), invalid_token())),
        OperatorKey::Unknown => Err(anonymous(invalid_token())),
    }
}

/// Proof that the caller is an operator whose key has the scope `S`. The first argument of every operator handler.
#[derive(Debug)]
pub(crate) struct Operate<S> {
    operator: Operator,
    origin: RequestOrigin,
    scope: PhantomData<S>,
}

impl<S: ScopeGrant> Operate<S> {
    /// The operator that use cases require.
    pub(crate) const fn operator(&self) -> Operator {
        self.operator
    }

    /// Client address and request id, for the audit log.
    pub(crate) fn origin(&self) -> RequestOrigin {
        self.origin.clone()
    }

    fn check(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = request.extensions_mut().remove::<Caller>();
        let Caller(caller) = caller.ok_or_else(|| challenge(Code::Unauthenticated, BEARER_CHALLENGE))?;
        let access = caller?;
        if !access.may(S::SCOPE) {
            return Err(insufficient_scope(S::SCOPE.into_str()));
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
