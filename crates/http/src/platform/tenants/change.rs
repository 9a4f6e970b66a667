use actix_web::web;
use flows::change_tenant_by_operator;
use iam::TenantStatus;
use kernel::TenantScope;
use kernel::ids::TenantId;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsWrite;

use super::bodies::{OperatedTenantBody, PatchBody};
use crate::extract::{Json, PathId};
use crate::operators::Operate;
use crate::problem::{Code, Problem};
use crate::requeue_held_and_unroutable::requeue_held_and_unroutable;
use crate::state::State;
use crate::tags;

/// Rename, suspend, reactivate or weigh a tenant
///
/// A JSON Merge Patch. Requests of a suspended tenant's users are refused from the next request on; Meta's deliveries
/// are stored, and processed after the tenant is reactivated.
#[utoipa::path(
    patch,
    path = "/tenants/{id}",
    operation_id = "changeAnyTenant",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [TenantsWrite::SCOPE])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed resource", body = OperatedTenantBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn change(
    operate: Operate<TenantsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<TenantId>,
    body: Json<PatchBody>,
) -> Result<web::Json<OperatedTenantBody>, Problem> {
    let patch = body.into_inner().check()?;
    let reactivates = patch.status == Some(TenantStatus::Active);
    #[expect(
        clippy::disallowed_methods,
        reason = "an operator names the tenant, with a key that may change any tenant"
    )]
    let scope = TenantScope::mint(id);
    let (operator, origin) = (operate.operator(), operate.origin());
    let tenant = state
        .in_scope(&scope, async |tx| change_tenant_by_operator(operator, tx, patch, &origin, &*state.clock).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    if reactivates {
        requeue_held_and_unroutable(&state);
    }
    Ok(web::Json(tenant.into()))
}
