use actix_web::web;
use billing::{DailyUsage, InvalidUsageRange, Usage, UsageRange, usage};
use chrono::NaiveDate;
use kernel::{BillingRead, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Allow;
use crate::extract::Query;
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

/// Usage per day and in total.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageBody {
    /// All days of the range, oldest first.
    days: Vec<DailyUsageBody>,
    total: TotalUsageBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyUsage)]
pub(crate) struct DailyUsageBody {
    /// The day in UTC.
    #[schema(example = "2026-11-26")]
    date: NaiveDate,
    /// Messages received from customers on this day, each counted once. A message processed after its day was billed
    /// counts on the first day of the period that was current then.
    #[schema(example = 42)]
    inbound_messages: u64,
    /// Contacts that wrote on this day.
    #[schema(example = 7)]
    active_contacts: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TotalUsage)]
pub(crate) struct TotalUsageBody {
    #[schema(example = 1234)]
    inbound_messages: u64,
    /// Contacts that wrote on any of the days, each counted once; may be less than the sum of the days.
    #[schema(example = 56)]
    active_contacts: u64,
}

/// The range of days, at most 92.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// First day; defaults to 29 days before the last.
    #[param(example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last day; defaults to today.
    #[param(example = "2026-11-30")]
    to: Option<NaiveDate>,
}

/// Read usage
///
/// Days are in UTC; days without usage are included. Not counted: imported history, outbound messages, messages in
/// standby threads, reactions, edits and statuses.
#[utoipa::path(
    get,
    path = "/billing/usage",
    operation_id = "readUsage",
    tag = tags::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    params(UsageQuery),
    responses((status = 200, description = "The usage", body = UsageBody)),
)]
pub(crate) async fn read(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
    Query(query): Query<UsageQuery>,
) -> Result<web::Json<UsageBody>, Problem> {
    let today = state.clock.now().date_naive();
    let range = UsageRange::with_defaults(query.from, query.to, today).map_err(|error| refused(&query, error))?;
    let found = state.in_tenant(allow, async |permit, tx| usage(permit, tx, range).await).await?;
    Ok(web::Json(found.into()))
}

/// Names the parameter that the client sent.
fn refused(query: &UsageQuery, error: InvalidUsageRange) -> Problem {
    let parameter = if query.from.is_some() { "from" } else { "to" };
    Problem::new(Code::InvalidQuery)
        .with_detail(format!("The range of days is invalid: {error}."))
        .with_errors(vec![FieldError::in_query(parameter, "invalid", error.to_string())])
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
