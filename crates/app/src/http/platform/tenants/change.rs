use actix_web::web;
use flows::{change_tenant_by_operator, settle};
use iam::TenantStatus;
use kernel::TenantScope;
use kernel::ids::TenantId;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsWrite;

use super::bodies::PatchBody;
use crate::http::State;
use crate::http::extract::{Json, PathId};
use crate::http::iam::bodies::TenantBody;
use crate::http::openapi::tag;
use crate::http::operators::Operate;
use crate::http::problem::{Code, Problem};
use crate::http::waiting::drive_waiting;

/// Rename, suspend or reactivate a tenant
///
/// A JSON Merge Patch. Nobody of a suspended tenant is let in, from the next request on; what Meta delivers for it is kept, and
/// processed when the tenant is active again.
#[utoipa::path(
    patch,
    path = "/tenants/{id}",
    operation_id = "changeAnyTenant",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [TenantsWrite::SCOPE])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "As it is now", body = TenantBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn change(
    operate: Operate<TenantsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<TenantId>,
    body: Json<PatchBody>,
) -> Result<web::Json<TenantBody>, Problem> {
    let patch = body.into_inner().check()?;
    let (database, clock) = (&*state.identity.database, &*state.identity.clock);
    let reactivates = patch.status == Some(TenantStatus::Active);
    #[expect(clippy::disallowed_methods, reason = "an operator says which tenant, with a key that may change any")]
    let scope = TenantScope::mint(id);
    let mut tx = database.tenant(&scope).await?;
    let outcome = change_tenant_by_operator(operate.operator(), &mut *tx, patch, &operate.origin(), clock).await;
    let tenant = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    if reactivates {
        drive_waiting(&state);
    }
    Ok(web::Json(tenant.into()))
}
