//! The HTTP API.
//!
//! The modules mirror the domains: `crm/conversations.rs` holds the bodies and handlers of `/crm/conversations`. A
//! handler reads its arguments ([extractors](extract)), calls one use case in one transaction, and converts the result
//! to a body or a [`Problem`](problem::Problem). [`auth`] authenticates callers, [`middleware`] wraps all requests,
//! [`openapi`] generates the document.
//!
//! To add an endpoint: a handler with `#[utoipa::path]` whose first argument is [`auth::Allow`], [`auth::Authenticated`],
//! [`operators::Operate`] or [`auth::Public`]; its route in a `routes` function, its name in [`openapi`]; then `cargo run --bin parley -- openapi >
//! crates/http/openapi.json`.

mod audit;
pub mod auth;
mod background;
mod billing;
mod channels;
mod crm;
mod cursor;
mod events;
mod extract;
mod iam;
mod idempotency;
pub mod metrics;
mod middleware;
pub mod openapi;
mod operations;
mod operators;
mod page;
mod platform;
pub mod problem;
mod raw_json;
mod rbac;
mod requeue_held;
mod server;
mod state;
mod tokens;
mod validation;
mod webhooks;

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web;
use kernel::Clock;

pub use background::Background;
pub use cursor::CursorKey;
pub use extract::TrustedProxies;
pub use middleware::RequestId;
pub use operations::{Check, Readiness};
pub use server::{bind, bind_metrics, bind_probes, bind_standby};
pub use state::State;

use problem::{Code, Problem};

/// All routes and the application data of their handlers. The routes of the last scope are protected.
pub(crate) fn api(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(Arc::clone(&state.clock)))
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

/// Served while the API is not available: liveness and readiness.
pub(crate) fn standby(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(clock))
            .app_data(web::Data::from(readiness))
            .configure(operations::routes)
            .default_service(web::to(not_ready));
    }
}

/// Served by a process that does not serve the API: liveness and readiness.
pub(crate) fn probes(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(clock))
            .app_data(web::Data::from(readiness))
            .configure(operations::routes)
            .default_service(web::to(not_found));
    }
}

/// Clients, such as Meta, retry after a 503.
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
