//! Logins and sessions.

use serde::Deserialize;

use super::{Resource, Tenant, User};

/// The response of sign-up, registration, login and refresh.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct LoggedIn {
    pub(crate) access_token: String,
    pub(crate) token_type: String,
    pub(crate) expires_in: i64,
    pub(crate) refresh_token: String,
    pub(crate) tenant: Tenant,
    pub(crate) user: User,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Me {
    pub(crate) user: User,
    pub(crate) tenant: Tenant,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) session: CurrentSession,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct CurrentSession {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) expires_at: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) current: bool,
    pub(crate) created_at: String,
    pub(crate) last_seen_at: String,
    pub(crate) idle_expires_at: String,
    pub(crate) expires_at: String,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl Resource for Session {
    const LIST: &'static str = "/auth/sessions";

    fn segment(&self) -> &str {
        &self.id
    }
}
