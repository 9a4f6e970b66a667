use std::future::{Ready, ready};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use channels::AppCredentials;
use whatsapp::MetaAppKey;

use super::app_cache::Cached;
use super::error::WebhookError;
use crate::problem::Problem;
use crate::state::State;

/// The Meta app that the path names: the deployment's own, or a tenant's `{app}`. No response reveals whether an app
/// exists.
#[derive(Clone, Debug)]
pub(crate) enum WebhookTarget {
    Deployment,
    TenantApp(MetaAppKey),
    /// The text is not a valid app key.
    Unknown,
}

/// An existing app and its credentials.
#[derive(Debug)]
pub(super) struct ResolvedApp<'s> {
    pub(super) app: MetaAppKey,
    pub(super) credentials: Credentials<'s>,
}

#[derive(Debug)]
pub(super) enum Credentials<'s> {
    Deployment(&'s AppCredentials),
    TenantApp(Arc<AppCredentials>),
}

impl FromRequest for WebhookTarget {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(match request.match_info().get("app") {
            None => Self::Deployment,
            Some(key) => key.parse().map_or(Self::Unknown, Self::TenantApp),
        }))
    }
}

impl WebhookTarget {
    /// Finds the app; `None` if it does not exist. Requests for apps that turn out to be unknown are limited; those for an app
    /// that existed a moment ago never are.
    ///
    /// # Errors
    /// `rate_limited`, or 503 if the app cannot be looked up.
    pub(super) async fn resolve(
        self,
        state: &State,
        address: Option<IpAddr>,
    ) -> Result<Option<ResolvedApp<'_>>, Problem> {
        match self {
            Self::Deployment => {
                let credentials = Credentials::Deployment(&state.deployment_app);
                Ok(Some(ResolvedApp { app: MetaAppKey::deployment(), credentials }))
            }
            Self::TenantApp(app) => {
                let credentials = credentials(state, app.clone(), address).await?;
                Ok(credentials.map(|it| ResolvedApp { app, credentials: Credentials::TenantApp(it) }))
            }
            Self::Unknown => Ok(None),
        }
    }
}

async fn credentials(
    state: &State,
    app: MetaAppKey,
    address: Option<IpAddr>,
) -> Result<Option<Arc<AppCredentials>>, Problem> {
    match state.app_cache.get(&app, state.clock.now()) {
        Cached::Fresh(credentials) => return Ok(credentials),
        Cached::Outdated => {}
        Cached::Unknown => state.limits.check_unknown_callers(address)?,
    }
    let found = look_up(state, app).await?;
    if found.is_none() {
        state.limits.count_unknown_caller(address);
    }
    Ok(found)
}

/// Runs to completion in the background: an unauthenticated client that disconnects must not cost a database
/// connection.
async fn look_up(state: &State, app: MetaAppKey) -> Result<Option<Arc<AppCredentials>>, WebhookError> {
    let (database, ring, cache) = (Arc::clone(&state.database), Arc::clone(&state.key_ring), state.app_cache.clone());
    let now = state.clock.now();
    let reading = state.background.spawn(async move { cache.look_up(app, &*database, &ring, now).await });
    Ok(reading.await??)
}

impl Deref for Credentials<'_> {
    type Target = AppCredentials;

    fn deref(&self) -> &AppCredentials {
        match self {
            Self::Deployment(credentials) => credentials,
            Self::TenantApp(credentials) => credentials,
        }
    }
}
