use std::borrow::Cow;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use flows::settle;
use inbound::{AppCredentials, AppCredentialsError, MetaAppKey, app_credentials};

use super::Failure;
use crate::http::State;
use crate::http::problem::Problem;

/// The Meta app that a request says it comes from, by its path: the deployment's own, or the `{app}` of a tenant. Nothing
/// that is answered tells whether there is such an app.
#[derive(Clone, Debug)]
pub(crate) enum Callee {
    Deployment,
    Tenants(MetaAppKey),
    /// No app has ever had such a key.
    Nobody,
}

/// An app that there is, and what it is known by.
#[derive(Debug)]
pub(super) struct Known<'s> {
    pub(super) app: MetaAppKey,
    pub(super) credentials: Cow<'s, AppCredentials>,
}

impl FromRequest for Callee {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(match request.match_info().get("app") {
            None => Self::Deployment,
            Some(key) => key.parse().map_or(Self::Nobody, Self::Tenants),
        }))
    }
}

impl Callee {
    /// Looks the app up; nothing if there is none. That of a tenant is read each time, so that a secret counts from the moment
    /// it is entered, on every node, and not a moment longer than it is there.
    pub(super) async fn find(self, state: &State) -> Result<Option<Known<'_>>, Failure> {
        match self {
            Self::Deployment => {
                let credentials = Cow::Borrowed(&state.whatsapp);
                Ok(Some(Known { app: MetaAppKey::deployment(), credentials }))
            }
            Self::Tenants(app) => {
                let credentials = credentials(state, app.clone()).await?;
                Ok(credentials.map(|credentials| Known { app, credentials: Cow::Owned(credentials) }))
            }
            Self::Nobody => Ok(None),
        }
    }
}

/// Once begun it is finished: a caller who hangs up, and nobody knows yet who that is, must not cost a connection.
async fn credentials(state: &State, app: MetaAppKey) -> Result<Option<AppCredentials>, Failure> {
    let (database, ring) = (Arc::clone(&state.identity.database), Arc::clone(&state.ring));
    let reading = state.background.spawn(async move {
        let mut tx = database.intake().await.map_err(AppCredentialsError::from)?;
        let outcome = app_credentials(&mut *tx, &app, &ring).await;
        settle(tx, outcome).await
    });
    Ok(reading.await??)
}
