use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::auth::Public;
use crate::http::openapi::tag;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    #[schema(value_type = String, example = "alive")]
    status: &'static str,
}

/// Is it alive?
///
/// Says only that the process answers: whoever restarts it for a database that is away makes things worse.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    tag = tag::OPERATIONS,
    responses((status = 200, description = "It is", body = HealthBody)),
)]
pub(crate) async fn health(_public: Public) -> web::Json<HealthBody> {
    web::Json(HealthBody { status: "alive" })
}
