//! The routes of each kind of server.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use kernel::Clock;

use crate::auth::Public;
use crate::openapi::OpenApiJson;
use crate::operations::{self, Audience};
use crate::problem::{Code, Problem};
use crate::readiness::Readiness;
use crate::state::State;
use crate::system;

/// The operations of an audience, and the application data of their handlers.
pub(crate) fn api(state: web::Data<State>, audience: Audience) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&state.clock)))
            .app_data(web::Data::from(Arc::clone(&state.readiness)))
            .app_data(web::Data::new(state.tracing.clone()))
            .app_data(web::Data::new(OpenApiJson(operations::openapi_json())))
            .app_data(state)
            .configure(|config| operations::register_for(audience, config))
            .configure(system::pages)
            .default_service(web::to(not_found));
    }
}

/// Served while the API is not available: liveness and readiness.
pub(crate) fn standby(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config.configure(system_routes(readiness, clock)).default_service(web::to(unavailable));
    }
}

/// Served by a process that does not serve the API: liveness and readiness.
pub(crate) fn probes(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config.configure(system_routes(readiness, clock)).default_service(web::to(not_found));
    }
}

fn system_routes(readiness: Arc<dyn Readiness>, clock: Arc<dyn Clock>) -> impl FnOnce(&mut web::ServiceConfig) {
    |config| {
        config
            .app_data(web::Data::from(clock))
            .app_data(web::Data::from(readiness))
            .app_data(web::Data::new(OpenApiJson(operations::openapi_json())))
            .configure(operations::register_system)
            .configure(system::pages);
    }
}

/// Clients, such as Meta, retry after a 503.
async fn unavailable(_public: Public) -> Result<HttpResponse, Problem> {
    Err(Problem::unavailable(Code::TemporarilyUnavailable))
}

async fn not_found(_public: Public) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}
