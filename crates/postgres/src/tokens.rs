//! Sessions and signing keys.

mod provisioning_key;
mod refresh_token;
mod session;
mod signing_key;

pub(crate) use session::bind_session;
