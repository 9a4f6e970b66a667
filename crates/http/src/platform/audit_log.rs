use actix_web::web;
use audit::platform_audit_log;
use flows::settle;
use tokens::ScopeGrant as _;
use tokens::scope::AuditRead;

use crate::State;
use crate::audit::bodies::{RecordBody, RecordPageQuery};
use crate::cursor::{ListId, ListKind};
use crate::extract::{Query, page_request};
use crate::openapi::tag;
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List the operators' audit log
///
/// Operators' actions and refused requests, newest first.
#[utoipa::path(
    get,
    path = "/platform/audit-log",
    operation_id = "listPlatformAuditLog",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [AuditRead::SCOPE])),
    params(RecordPageQuery),
    responses((status = 200, description = "A page of records", body = PageBody<RecordBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    operate: Operate<AuditRead>,
    state: web::Data<State>,
    Query(query): Query<RecordPageQuery>,
) -> Result<web::Json<PageBody<RecordBody>>, Problem> {
    let list = ListId::for_operators(ListKind::AuditLog);
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.operator().await?;
    let outcome = platform_audit_log(operate.operator(), &mut *tx, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}
