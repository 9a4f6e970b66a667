//! Sessions and signing keys.

mod session;
mod signing_key;
