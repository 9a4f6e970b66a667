use std::collections::BTreeMap;

use actix_web::web;
use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Public;
use crate::openapi::tag;
use crate::problem::{Code, Problem};

/// Checks the services that the process depends on.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Checks each service. Must return within a few seconds even if a service does not respond.
    async fn check(&self) -> Vec<Check>;
}

/// The state of one required service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `database`, `migrations`, `broker`.
    pub name: &'static str,
    /// Whether this process requires it. Services that only other processes require are reported, too.
    pub needed: bool,
    /// What is wrong, as public text: without host or user names.
    pub state: Result<(), String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadyBody {
    #[schema(value_type = String, example = "ready")]
    status: &'static str,
    /// The state of each service: `ok`, or what is wrong with a service that this process does not require.
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "database": "ok", "migrations": "ok", "broker": "ok" }))]
    checks: BTreeMap<&'static str, String>,
}

/// Check readiness
///
/// Responds with 200 if all services that this process requires are available. A process that serves only the API does
/// not require the broker.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = tag::OPERATIONS,
    responses((status = 200, description = "The process is ready", body = ReadyBody)),
    extensions(("x-problems" = json!([Code::NotReady]))),
)]
pub(crate) async fn ready(
    _public: Public,
    readiness: web::Data<dyn Readiness>,
) -> Result<web::Json<ReadyBody>, Problem> {
    let checks = readiness.check().await;
    let ready = checks.iter().all(|check| check.state.is_ok() || !check.needed);
    let checks =
        checks.into_iter().map(|check| (check.name, check.state.err().unwrap_or_else(|| "ok".to_owned()))).collect();
    if ready {
        Ok(web::Json(ReadyBody { status: "ready", checks }))
    } else {
        Err(Problem::new(Code::NotReady).with_checks(checks))
    }
}
