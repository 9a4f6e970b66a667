use std::borrow::Cow;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use channels::{AppCredentials, AppCredentialsError, app_credentials};
use flows::settle;
use whatsapp::MetaAppKey;

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
    pub(super) credentials: Cow<'s, AppCredentials>,
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
    /// Looks up the app; `None` if it does not exist. A tenant's app is read for each request, so that a changed or
    /// deleted secret takes effect at once on every node.
    pub(super) async fn resolve(self, state: &State) -> Result<Option<ResolvedApp<'_>>, WebhookError> {
        match self {
            Self::Deployment => {
                let credentials = Cow::Borrowed(&state.deployment_app);
                Ok(Some(ResolvedApp { app: MetaAppKey::deployment(), credentials }))
            }
            Self::TenantApp(app) => {
                let credentials = credentials(state, app.clone()).await?;
                Ok(credentials.map(|credentials| ResolvedApp { app, credentials: Cow::Owned(credentials) }))
            }
            Self::Unknown => Ok(None),
        }
    }
}

/// Runs to completion in the background: an unauthenticated client that disconnects must not cost a database
/// connection.
async fn credentials(state: &State, app: MetaAppKey) -> Result<Option<AppCredentials>, WebhookError> {
    let (database, ring) = (Arc::clone(&state.database), Arc::clone(&state.key_ring));
    let now = state.clock.now();
    let reading = state.background.spawn(async move {
        let mut tx = database.intake().await.map_err(AppCredentialsError::from)?;
        let outcome = app_credentials(&mut *tx, &app, &ring, now).await;
        settle(tx, outcome).await
    });
    Ok(reading.await??)
}
