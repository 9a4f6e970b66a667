use actix_web::web;
use flows::settle;
use iam::{TenantDirectory, TenantReference};
use kernel::ids::TenantId;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsRead;

use super::query::TenantQuery;
use crate::State;
use crate::cursor::{ListId, ListKind};
use crate::extract::{PathId, Query, page_request};
use crate::iam::bodies::TenantBody;
use crate::openapi::tag;
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List the tenants
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/tenants",
    operation_id = "listTenants",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [TenantsRead::SCOPE])),
    params(TenantQuery),
    responses((status = 200, description = "A page of tenants", body = PageBody<TenantBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    _operate: Operate<TenantsRead>,
    state: web::Data<State>,
    Query(query): Query<TenantQuery>,
) -> Result<web::Json<PageBody<TenantBody>>, Problem> {
    let list = ListId::for_operators(ListKind::Tenants);
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.directory().await?;
    let outcome = TenantDirectory::tenants(&mut *tx, query.status(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// Read a tenant
#[utoipa::path(
    get,
    path = "/tenants/{id}",
    operation_id = "readAnyTenant",
    tag = tag::PLATFORM,
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
    let mut tx = state.database.directory().await?;
    let outcome = TenantDirectory::find_tenant(&mut *tx, &TenantReference::Id(id)).await;
    let tenant = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(tenant.into()))
}
