//! The HTTP API: an adapter that turns requests into calls of use cases, and their results into responses. No business rule is
//! here.
//!
//! The modules mirror the domains: `crm/conversations.rs` holds the bodies and handlers of `/crm/conversations`. A handler
//! reads its arguments ([`extract`]), runs one use case in one transaction ([`State::in_tenant`]), and converts the result to a
//! body or a [`Problem`](problem::Problem). [`auth`] and [`operators`] authenticate callers, [`middleware`] wraps all
//! requests, [`operations`] lists all operations, [`openapi`] builds the document from them.
//!
//! # Add an endpoint
//!
//! Example: `GET /crm/contacts/{id}`.
//!
//! 1. The use case `crm::contact` in the domain (`crates/crm/src`), or in `flows` if it spans domains. Its first argument is the
//!    `Permit` of the permission that it requires.
//! 2. The handler in `crm/contacts.rs`, with the body of its response:
//!
//!    ```text
//!    /// Read a contact
//!    #[utoipa::path(
//!        get,
//!        path = "/crm/contacts/{id}",
//!        operation_id = "readContact",
//!        tag = tags::CRM,
//!        security(("bearer" = [CrmRead::PERMISSION])),
//!        params(("id" = Uuid, Path, description = "The contact's id")),
//!        responses((status = 200, description = "The contact", body = ContactBody)),
//!        extensions(("x-problems" = json!([Code::NotFound]))),
//!    )]
//!    pub(crate) async fn read(
//!        allow: Allow<CrmRead>,
//!        state: web::Data<State>,
//!        PathId(id): PathId<ContactId>,
//!    ) -> Result<web::Json<ContactBody>, Problem> {
//!        let contact = state.in_tenant(allow, async |permit, tx| crm::contact(permit, tx, id).await).await?;
//!        Ok(web::Json(contact.ok_or_else(Problem::not_found)?.into()))
//!    }
//!    ```
//!
//!    The first argument says who may call: [`auth::Allow`] with a permission, [`auth::Authenticated`],
//!    [`operators::Operate`] with a scope, or [`auth::Public`]. `security` must say the same; a test of all operations
//!    compares both. `x-problems` lists the problems that do not follow from the arguments.
//! 3. One line in [`operations`]: `crm::contacts::read`. Route and document follow from it.
//! 4. `cargo run --bin parley -- openapi > crates/http/openapi.json`
//!
//! A list takes [`extract::Listing`] and answers by [`State::list`]; an operation that creates a resource takes
//! [`idempotency::IdempotentJson`].
//!
//! # Add a permission
//!
//! Example: `crm:export`.
//!
//! 1. A variant `CrmExport` of `kernel::Permission` with its key, and what it implies; the marker type `CrmExport`
//!    follows there.
//! 2. The system roles that hold it (`crates/rbac`), and a migration that grants it to the existing system roles.
//! 3. `Permit<CrmExport>` in the use case, `Allow<CrmExport>` and `security(("bearer" = [CrmExport::PERMISSION]))` in the handler.
//! 4. A line in `tests/integration/authorization/rights.txt` for each operation that requires it.

mod audit;
pub mod auth;
mod background;
mod billing;
mod channels;
mod closed_set;
mod crm;
mod cursor;
mod extract;
mod iam;
mod idempotency;
mod in_tenant;
mod inbound;
mod jobs;
mod limits;
mod media;
mod metrics;
mod middleware;
mod openapi;
mod operations;
mod operators;
mod page;
mod platform;
pub mod problem;
mod raw_json;
mod rbac;
mod readiness;
mod requeue_held_and_unroutable;
mod routes;
mod sending;
mod server;
mod state;
mod system;
mod tags;
mod templates;
mod tokens;
mod trusted_proxies;
mod validation;
mod webhooks;

#[cfg(test)]
mod handbook_tests;
#[cfg(test)]
mod openapi_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use background::Background;
pub use cursor::CursorKey;
pub use limits::{AnonymousRefusals, LimitPolicy, Limits};
pub use metrics::{WEBHOOK_ACCEPT, begin_at_zero, describe_metrics};
pub use middleware::RequestId;
pub use operations::{Audience, openapi_json};
pub use readiness::{Check, Readiness};
pub use server::{ServerOptions, bind, bind_metrics, bind_probes, bind_standby};
pub use state::State;
pub use trusted_proxies::TrustedProxies;
pub use webhooks::AppCache;
