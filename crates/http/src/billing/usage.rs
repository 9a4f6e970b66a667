use actix_web::web;
use billing::{DailyUsage, InvalidUsageRange, SentMessages, Usage, UsageDay, UsageRange, usage};
use chrono::NaiveDate;
use flows::TenantTx;
use kernel::{BillingRead, Grant as _, StoreError};
use media::MediaUsage;
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
    stored_media: StoredMediaBody,
}

/// Files of messages that are stored now, whatever the range of days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredMedia)]
pub(crate) struct StoredMediaBody {
    #[schema(example = 1280)]
    files: u64,
    /// Files with the same bytes count once.
    #[schema(example = 734_003_200)]
    bytes: u64,
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
    outbound_messages: SentMessagesBody,
}

/// Messages that Parley sent and Meta accepted, by Meta's category: `service` is free of charge, each other is a template's. A message
/// counts on the day on which Meta accepted it, also if it is not delivered later.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SentMessages)]
pub(crate) struct SentMessagesBody {
    #[schema(example = 30)]
    service: u64,
    #[schema(example = 4)]
    utility: u64,
    #[schema(example = 0)]
    authentication: u64,
    #[schema(example = 0)]
    marketing: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TotalUsage)]
pub(crate) struct TotalUsageBody {
    #[schema(example = 1234)]
    inbound_messages: u64,
    /// Contacts that wrote on any of the days, each counted once; may be less than the sum of the days.
    #[schema(example = 56)]
    active_contacts: u64,
    outbound_messages: SentMessagesBody,
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
/// Days are in UTC; days without usage are included. Not counted: imported history, messages that the business sent in other ways than
/// by Parley, messages in standby threads, reactions, read receipts, edits and statuses.
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
    let read = async |permit, tx: &mut dyn TenantTx| {
        let usage = usage(permit, tx, range).await?;
        Ok::<_, StoreError>((usage, tx.media_usage().await?))
    };
    let (usage, stored) = state.in_tenant(allow, read).await?;
    Ok(web::Json(UsageBody::of(usage, stored)))
}

/// Names the parameter that the client sent.
fn refused(query: &UsageQuery, error: InvalidUsageRange) -> Problem {
    let parameter = if query.from.is_some() { "from" } else { "to" };
    Problem::new(Code::InvalidQuery)
        .with_detail(format!("The range of days is invalid: {error}."))
        .with_errors(vec![FieldError::in_query(parameter, "invalid", error.to_string())])
}

impl UsageBody {
    fn of(usage: Usage, stored: MediaUsage) -> Self {
        Self {
            stored_media: StoredMediaBody { files: stored.files, bytes: stored.bytes },
            days: usage.days.into_iter().map(DailyUsageBody::from).collect(),
            total: TotalUsageBody {
                inbound_messages: usage.inbound_messages,
                active_contacts: usage.active_contacts,
                outbound_messages: usage.sent.into(),
            },
        }
    }
}

impl From<UsageDay> for DailyUsageBody {
    fn from(usage: UsageDay) -> Self {
        let DailyUsage { day, inbound_messages, active_contacts } = usage.received;
        Self { date: day, inbound_messages, active_contacts, outbound_messages: usage.sent.into() }
    }
}

impl From<SentMessages> for SentMessagesBody {
    fn from(sent: SentMessages) -> Self {
        let SentMessages { service, utility, authentication, marketing } = sent;
        Self { service, utility, authentication, marketing }
    }
}
