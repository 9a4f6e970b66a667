use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use audit::{RecordFilter, StoredRecord, audit_log};
use futures_util::stream;
use kernel::{AuditRead, Cursor, Grant as _, Page, PageLimit, PageRequest, Permit};
use tracing::error;

use super::bodies::{RecordBody, RecordQuery};
use crate::auth::Allow;
use crate::extract::Query;
use crate::limits::ExpensiveRead;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Export the audit log
///
/// All records that match the filter, newest first, as JSON lines. Records are read while the response is sent; if
/// reading fails, the server closes the connection early, so that a partial export is never mistaken for a complete
/// one.
#[utoipa::path(
    get,
    path = "/audit-log/export",
    operation_id = "exportAuditLog",
    tag = tags::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    params(RecordQuery),
    responses((
        status = 200,
        description = "Records, one per line",
        body = RecordBody,
        content_type = "application/x-ndjson",
    )),
    extensions(("x-problems" = json!([Code::ValidationFailed]))),
)]
pub(crate) async fn export(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    Query(query): Query<RecordQuery>,
) -> Result<HttpResponse, Problem> {
    let filter = query.check()?;
    let read = state.limits.expensive_read(allow.scope()).await?;
    let export = Export { allow, state, filter, _read: read };
    // A failure before the first line is answered with a problem.
    let first = export.page(None).await?;
    let lines = stream::try_unfold(Some((export, first)), async |step| {
        let Some((export, page)) = step else { return Ok(None) };
        let (lines, next) = (lines(page.items)?, page.next);
        let rest = match next {
            Some(cursor) => {
                let page = export.page(Some(cursor)).await.inspect_err(|problem| {
                    error!(cause = problem.cause_chain(), "audit log export failed; connection closed");
                })?;
                Some((export, page))
            }
            None => None,
        };
        Ok::<_, actix_web::Error>(Some((lines, rest)))
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines))
}

/// Holds one page in memory at a time, and no open transaction while the page is sent.
struct Export {
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    filter: RecordFilter,
    /// Until the response is sent.
    _read: ExpensiveRead,
}

impl Export {
    async fn page(&self, after: Option<Cursor>) -> Result<Page<StoredRecord>, Problem> {
        let limit = PageLimit::new(PageLimit::MAX.into()).unwrap_or_default();
        let permit: Permit<AuditRead> = self.allow.try_permit().ok_or_else(|| Problem::new(Code::InsufficientScope))?;
        let request = PageRequest { limit, after };
        let (database, scope) = (&*self.state.database, self.allow.scope());
        Ok(database.in_tenant(scope, async |tx| audit_log(permit.into(), tx, &self.filter, &request).await).await?)
    }
}

fn lines(records: Vec<StoredRecord>) -> Result<Bytes, serde_json::Error> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, &RecordBody::from(record))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
