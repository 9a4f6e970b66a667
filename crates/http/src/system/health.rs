use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Public;
use crate::tags;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    #[schema(value_type = String, example = "alive")]
    status: &'static str,
}

/// Check liveness
///
/// Responds if the process runs. It does not check the database: restarting the process does not help when the database
/// is unavailable.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    tag = tags::OPERATIONS,
    responses((status = 200, description = "The process is alive", body = HealthBody)),
)]
pub(crate) async fn health(_public: Public) -> web::Json<HealthBody> {
    web::Json(HealthBody { status: "alive" })
}
