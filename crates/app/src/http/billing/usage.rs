use actix_web::web;
use billing::{DailyUsage, InvalidUsageRange, Usage, UsageRange, usage};
use chrono::NaiveDate;
use flows::settle;
use kernel::{BillingRead, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::Query;
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};

/// What was used, day by day and in all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageBody {
    /// Each day of the range, oldest first.
    days: Vec<DailyUsageBody>,
    total: TotalUsageBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyUsage)]
pub(crate) struct DailyUsageBody {
    /// In UTC.
    #[schema(example = "2026-11-26")]
    date: NaiveDate,
    /// Messages that customers wrote and that came in on that day, each once. One whose day was billed already when it was
    /// processed counts on the first day of the period that was running then.
    #[schema(example = 42)]
    inbound_messages: u64,
    /// Contacts that wrote on it.
    #[schema(example = 7)]
    active_contacts: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TotalUsage)]
pub(crate) struct TotalUsageBody {
    #[schema(example = 1234)]
    inbound_messages: u64,
    /// Contacts that wrote on any of the days, each once: they may be fewer than the sum of the days.
    #[schema(example = 56)]
    active_contacts: u64,
}

/// Which days are wanted: 92 at most.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// The first day; 29 days before the last, unless it is said.
    #[param(example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// The last day; today, unless it is said.
    #[param(example = "2026-11-30")]
    to: Option<NaiveDate>,
}

/// Read usage
///
/// Days are in UTC, and told also where nothing was used. Messages from before a number was connected, the business's own, and
/// those in threads that somebody else holds are not counted; nor are reactions, edits and statuses, which are no messages.
#[utoipa::path(
    get,
    path = "/billing/usage",
    operation_id = "readUsage",
    tag = tag::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    params(UsageQuery),
    responses((status = 200, description = "What was used", body = UsageBody)),
)]
pub(crate) async fn read(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
    Query(query): Query<UsageQuery>,
) -> Result<web::Json<UsageBody>, Problem> {
    let today = state.identity.clock.now().date_naive();
    let range = UsageRange::around(query.from, query.to, today).map_err(|error| refused(&query, error))?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = usage(allow.permit(), &mut *tx, range).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

/// Names the parameter that is there.
fn refused(query: &UsageQuery, error: InvalidUsageRange) -> Problem {
    let parameter = if query.from.is_some() { "from" } else { "to" };
    Problem::new(Code::InvalidQuery)
        .with_detail(format!("The days cannot be told: {error}."))
        .with_errors(vec![FieldError::of(parameter, "invalid", error.to_string())])
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self {
            days: usage.days.into_iter().map(DailyUsageBody::from).collect(),
            total: TotalUsageBody { inbound_messages: usage.inbound_messages, active_contacts: usage.active_contacts },
        }
    }
}

impl From<DailyUsage> for DailyUsageBody {
    fn from(usage: DailyUsage) -> Self {
        let DailyUsage { day, inbound_messages, active_contacts } = usage;
        Self { date: day, inbound_messages, active_contacts }
    }
}
