//! `/webhooks`: called by Meta.
//!
//! `X-Tenant-ID` is not read here: the account in the delivery determines the tenant. The path names the Meta app, and
//! the app's secrets authenticate the caller; see [`target`].

mod app_cache;
pub(crate) mod deliveries;
mod error;
pub(crate) mod handshake;
mod store_span;
mod target;

pub use app_cache::AppCache;
