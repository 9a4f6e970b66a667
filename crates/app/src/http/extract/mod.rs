//! What handlers take: each extractor answers a malformed request with the problem that says what is wrong.

mod body;
mod client;
mod json;
mod page;
mod path;
mod proxies;
mod query;
mod tenant;
mod text;

pub(crate) use body::{BodyLimit, read_body};
pub(crate) use client::{ClientInfo, origin};
pub(crate) use json::{Json, member, read_json};
pub(crate) use page::{LimitParameter, PageQuery, page_request};
pub(crate) use path::{PathId, PathKey};
pub use proxies::TrustedProxies;
pub(crate) use query::Query;
pub(crate) use tenant::{TenantHeader, tenant_header};
