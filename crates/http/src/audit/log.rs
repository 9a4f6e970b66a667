use actix_web::web;
use audit::audit_log;
use kernel::{AuditRead, Grant as _};

use super::bodies::{RecordBody, RecordQuery};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List the audit log
///
/// The audited actions in the tenant, newest first.
#[utoipa::path(
    get,
    path = "/audit-log",
    operation_id = "listAuditLog",
    tag = tags::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    params(RecordQuery, PageQuery),
    responses((status = 200, description = "A page of records", body = PageBody<RecordBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::ValidationFailed]))),
)]
pub(crate) async fn list(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    listing: Listing<RecordQuery>,
) -> Result<web::Json<PageBody<RecordBody>>, Problem> {
    let is_filtered = listing.is_filtered;
    let filter = listing.filter.check()?;
    let _read = state.limits.filtered_read(allow.scope(), is_filtered).await?;
    state
        .list(allow, ListKind::AuditLog, &listing.page, async |permit, tx, page| {
            audit_log(permit.into(), tx, &filter, page).await
        })
        .await
}
