use actix_web::web;
use audit::platform_audit_log;
use tokens::ScopeGrant as _;
use tokens::scope::AuditRead;

use crate::audit::bodies::{RecordBody, RecordQuery};
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery};
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List the operators' audit log
///
/// Operators' actions and refused requests, newest first.
#[utoipa::path(
    get,
    path = "/platform/audit-log",
    operation_id = "listPlatformAuditLog",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [AuditRead::SCOPE])),
    params(RecordQuery, PageQuery),
    responses((status = 200, description = "A page of records", body = PageBody<RecordBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::ValidationFailed]))),
)]
pub(crate) async fn list(
    operate: Operate<AuditRead>,
    state: web::Data<State>,
    listing: Listing<RecordQuery>,
) -> Result<web::Json<PageBody<RecordBody>>, Problem> {
    let filter = listing.filter.check()?;
    state
        .list_for_operator(ListKind::AuditLog, &listing.page, async |page| {
            let operator = operate.operator();
            state.database.in_operator(async |tx| platform_audit_log(operator, tx, &filter, page).await).await
        })
        .await
}
