//! The HTTP API.
//!
//! The modules mirror the domains: `crm/conversations.rs` holds the bodies and handlers of `/crm/conversations`. A handler
//! reads its arguments ([extractors](extract)), calls one use case in one transaction, and turns the answer into a body or a
//! [`Problem`](problem::Problem). [`auth`] says who may, [`middleware`] goes around everything, [`openapi`] is the document.
//!
//! To add an endpoint: a handler with `#[utoipa::path]` whose first argument is [`auth::Allow`], [`auth::Authenticated`],
//! [`operators::Operate`] or [`auth::Public`]; its route in a `routes` function, its name in [`openapi`]; then `cargo run --bin parley -- openapi >
//! crates/app/openapi.json`.

mod audit;
pub mod auth;
mod billing;
mod channels;
mod crm;
mod cursor;
mod events;
mod extract;
mod iam;
mod middleware;
mod once;
pub mod openapi;
mod operations;
mod operators;
mod page;
mod platform;
pub mod problem;
mod raw_json;
mod rbac;
mod server;
mod state;
mod tokens;
mod validation;
mod waiting;
mod webhooks;

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web;
use kernel::Clock;

pub use cursor::CursorKey;
pub use extract::TrustedProxies;
pub use middleware::RequestId;
pub use operations::{Check, Readiness};
pub use server::{bind, bind_metrics, bind_probes, bind_standby};
pub use state::State;

use problem::{Code, Problem};

/// All routes, and what their handlers need. Those of the last scope are protected: whoever calls them is looked up first.
pub(crate) fn api(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(Arc::clone(&state.identity.clock)))
            .app_data(web::Data::from(Arc::clone(&state.readiness)))
            .app_data(web::Data::new(state.tracing.clone()))
            .app_data(state)
            .configure(operations::routes)
            .configure(tokens::public_routes)
            .configure(webhooks::routes)
            .configure(iam::public_routes)
            .configure(platform::routes)
            .configure(platform::tenants::routes)
            .service(
                web::scope("")
                    .wrap(from_fn(auth::authenticate))
                    .configure(iam::routes)
                    .configure(rbac::routes)
                    .configure(tokens::routes)
                    .configure(channels::routes)
                    .configure(crm::routes)
                    .configure(billing::routes)
                    .configure(events::routes)
                    .configure(audit::routes),
            )
            .default_service(web::to(not_found));
    }
}

/// What is served while the API cannot be: that the process is alive, and what it waits for.
pub(crate) fn standby(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(clock))
            .app_data(web::Data::from(readiness))
            .configure(operations::routes)
            .default_service(web::to(not_ready));
    }
}

/// What is served by a process that does not serve the API: whether it is alive, and what it needs.
pub(crate) fn probes(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(clock))
            .app_data(web::Data::from(readiness))
            .configure(operations::routes)
            .default_service(web::to(not_found));
    }
}

/// Meta, for one, is to send it again.
async fn not_ready(_public: auth::Public) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::unavailable(Code::TemporarilyUnavailable))
}

async fn not_found(_public: auth::Public) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::new(Code::NotFound))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
