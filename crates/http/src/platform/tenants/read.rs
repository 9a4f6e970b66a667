use std::collections::HashMap;

use actix_web::web;
use iam::{Tenant, TenantDirectory, TenantReference, TenantWeight};
use kernel::StoreError;
use kernel::ids::TenantId;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsRead;

use super::bodies::OperatedTenantBody;
use super::query::TenantQuery;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
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
    responses((status = 200, description = "A page of tenants", body = PageBody<OperatedTenantBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    _operate: Operate<TenantsRead>,
    state: web::Data<State>,
    listing: Listing<TenantQuery>,
) -> Result<web::Json<PageBody<OperatedTenantBody>>, Problem> {
    state
        .list_for_operator(ListKind::Tenants, &listing.page, async |page| {
            let status = listing.filter.status();
            state
                .database
                .in_directory(async |tx| {
                    let page = TenantDirectory::tenants(tx, status, page).await?;
                    let ids: Vec<TenantId> = page.items.iter().map(|tenant| tenant.id).collect();
                    let weights = TenantDirectory::tenant_weights(tx, &ids).await?;
                    Ok::<_, StoreError>(page.map(|tenant| with_weight(tenant, &weights)))
                })
                .await
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
    responses((status = 200, description = "The tenant", body = OperatedTenantBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    _operate: Operate<TenantsRead>,
    state: web::Data<State>,
    PathId(id): PathId<TenantId>,
) -> Result<web::Json<OperatedTenantBody>, Problem> {
    let tenant = state.database.in_directory(async |tx| {
        let tenant = TenantDirectory::find_tenant(tx, &TenantReference::Id(id)).await?;
        let weights = TenantDirectory::tenant_weights(tx, &[id]).await?;
        Ok::<_, StoreError>(tenant.map(|tenant| with_weight(tenant, &weights)))
    });
    Ok(web::Json(tenant.await?.ok_or_else(Problem::not_found)?.into()))
}

fn with_weight(tenant: Tenant, weights: &HashMap<TenantId, TenantWeight>) -> (Tenant, TenantWeight) {
    let weight = weights.get(&tenant.id).copied().unwrap_or_default();
    (tenant, weight)
}
