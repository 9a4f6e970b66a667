use actix_web::web;
use iam::{TenantDirectory, TenantReference};
use kernel::ids::TenantId;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsRead;

use super::query::TenantQuery;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::iam::bodies::TenantBody;
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List the tenants
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/tenants",
    operation_id = "listTenants",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [TenantsRead::SCOPE])),
    params(TenantQuery, PageQuery),
    responses((status = 200, description = "A page of tenants", body = PageBody<TenantBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    _operate: Operate<TenantsRead>,
    state: web::Data<State>,
    listing: Listing<TenantQuery>,
) -> Result<web::Json<PageBody<TenantBody>>, Problem> {
    state
        .list_for_operator(ListKind::Tenants, &listing.page, async |page| {
            let status = listing.filter.status();
            state.database.in_directory(async |tx| TenantDirectory::tenants(tx, status, page).await).await
        })
        .await
}

/// Read a tenant
#[utoipa::path(
    get,
    path = "/tenants/{id}",
    operation_id = "readAnyTenant",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [TenantsRead::SCOPE])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    responses((status = 200, description = "The tenant", body = TenantBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    _operate: Operate<TenantsRead>,
    state: web::Data<State>,
    PathId(id): PathId<TenantId>,
) -> Result<web::Json<TenantBody>, Problem> {
    let id = TenantReference::Id(id);
    let tenant = state.database.in_directory(async |tx| TenantDirectory::find_tenant(tx, &id).await).await?;
    Ok(web::Json(tenant.ok_or_else(Problem::not_found)?.into()))
}
