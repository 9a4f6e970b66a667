use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use audit::{RecordFilter, StoredRecord, audit_log};
use flows::settle;
use futures_util::stream;
use kernel::{AuditRead, Cursor, Grant as _, Limit, Page, PageRequest, Permit};
use tracing::error;

use super::bodies::{RecordBody, RecordQuery};
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::Query;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

/// Export the audit log
///
/// All records that the filter finds, latest first, one a line (JSON lines). The lines are read while they are sent; when that
/// fails, the connection is closed before the end, so that a part is never taken for the whole.
#[utoipa::path(
    get,
    path = "/audit-log/export",
    operation_id = "exportAuditLog",
    tag = tag::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    params(RecordQuery),
    responses((
        status = 200,
        description = "Records, one a line",
        body = RecordBody,
        content_type = "application/x-ndjson",
    )),
)]
pub(crate) async fn export(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    Query(query): Query<RecordQuery>,
) -> Result<HttpResponse, Problem> {
    let export = Export { allow, state, filter: query.into() };
    // What fails before the first line is answered as a problem.
    let first = export.page(None).await?;
    let lines = stream::try_unfold(Some((export, first)), async |step| {
        let Some((export, page)) = step else { return Ok(None) };
        let (lines, next) = (lines(page.items)?, page.next);
        let rest = match next {
            Some(cursor) => {
                let page = export.page(Some(cursor)).await.inspect_err(|problem| {
                    error!(cause = problem.cause_chain(), "an export was cut off");
                })?;
                Some((export, page))
            }
            None => None,
        };
        Ok::<_, actix_web::Error>(Some((lines, rest)))
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines))
}

/// One page is in memory at a time, and no transaction is open while it is sent.
struct Export {
    allow: Allow<AuditRead>,
    state: web::Data<State>,
    filter: RecordFilter,
}

impl Export {
    async fn page(&self, after: Option<Cursor>) -> Result<Page<StoredRecord>, Problem> {
        let limit = Limit::new(Limit::MAX.into()).unwrap_or_default();
        let permit: Permit<AuditRead> = self.allow.also().ok_or_else(|| Problem::new(Code::InsufficientScope))?;
        let mut tx = self.state.identity.database.tenant(self.allow.scope()).await?;
        let outcome = audit_log(permit.into(), &mut *tx, &self.filter, &PageRequest { limit, after }).await;
        Ok(settle(tx, outcome).await?)
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
