//! Sessions, API keys and signing keys.

mod api_key;
mod provisioning_key;
mod refresh_token;
mod session;
mod signing_key;

pub(crate) use api_key::Row as ApiKeyRow;
pub(crate) use session::bind_session;
