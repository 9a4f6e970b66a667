use actix_web::web;
use flows::jobs;
use jobs::JobFilter;
use kernel::{EventsRead, Grant as _};

use super::bodies::{JobBody, JobQuery};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List jobs
///
/// Newest first. Use `state=dead` for the jobs that need attention. A job that is done is not listed; one that is repeated each day
/// stays.
#[utoipa::path(
    get,
    path = "/jobs",
    operation_id = "listJobs",
    tag = tags::EVENTS,
    security(("bearer" = [EventsRead::PERMISSION])),
    params(JobQuery, PageQuery),
    responses((status = 200, description = "A page of jobs", body = PageBody<JobBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<EventsRead>,
    state: web::Data<State>,
    listing: Listing<JobQuery>,
) -> Result<web::Json<PageBody<JobBody>>, Problem> {
    let _read = state.limits.filtered_read(allow.scope(), listing.is_filtered).await?;
    let filter = JobFilter::from(listing.filter);
    state
        .list(allow, ListKind::Jobs, &listing.page, async |permit, tx, page| jobs(permit, tx, filter, page).await)
        .await
}
