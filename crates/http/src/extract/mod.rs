//! Extractors for handler arguments. Each answers a malformed request with the matching problem.

mod body;
mod client;
mod json;
mod nul;
mod page;
mod path;
mod query;
mod serde_error;
mod tenant;

pub(crate) use body::{BodyLimit, read_body_with};
pub(crate) use client::{ClientInfo, OriginOfRequest, client_address, origin};
pub(crate) use json::{Json, MaybeJson, member, read_json};
pub(crate) use page::{LimitParameter, Listing, PageQuery};
pub(crate) use path::{PathId, PathKey, PathRoleId};
pub(crate) use query::{Flag, Query};
pub(crate) use tenant::{OptionalTenantHeader, TENANT_HEADER, TenantHeader, tenant_header};
