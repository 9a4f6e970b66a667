//! API keys; sessions: refresh, logout, list; and the public keys that verify access tokens.

pub(crate) mod api_keys;
pub(crate) mod jwks;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod sessions;
