//! Sessions and signing keys.

mod provisioning_key;
mod session;
mod signing_key;
