use actix_web::web;
use audit::audit_log;
use flows::settle;
use kernel::{AuditRead, Grant as _};

use super::bodies::{RecordBody, RecordPageQuery};
use crate::State;
use crate::auth::Allow;
use crate::cursor::{ListId, ListKind};
use crate::extract::{Query, page_request};
use crate::openapi::tag;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List the audit log
///
/// The audited actions in the tenant, newest first.
#[utoipa::path(
    get,
    path = "/audit-log",
    operation_id = "listAuditLog",
    tag = tag::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    params(RecordPageQuery),
    responses((status = 200, description = "A page of records", body = PageBody<RecordBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    Query(query): Query<RecordPageQuery>,
) -> Result<web::Json<PageBody<RecordBody>>, Problem> {
    let list = ListId { kind: ListKind::AuditLog, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = audit_log(allow.permit().into(), &mut *tx, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}
