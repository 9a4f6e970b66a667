use std::collections::BTreeMap;

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Public;
use crate::problem::{Code, Problem};
use crate::readiness::Readiness;
use crate::tags;

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
    tag = tags::OPERATIONS,
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
