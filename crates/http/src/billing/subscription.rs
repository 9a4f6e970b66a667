use actix_web::web;
use billing::{InvalidPlan, PlanChangeRefused, PlanCode, RunningSubscription, SubscriptionStatus, subscription};
use chrono::{DateTime, Utc};
use flows::{ChangeSubscriptionError, ChosenPlan, ClosePeriodError, change_subscription};
use kernel::{BillingRead, BillingWrite, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::midnight::midnight_utc;
use super::money::MoneyBody;
use crate::auth::Allow;
use crate::closed_set::closed_set;
use crate::extract::Json;
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

/// The tenant's subscription. Prices are those of the current period; changed plan prices apply from the next period
/// on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionBody {
    #[schema(example = "starter")]
    plan_code: String,
    status: StatusBody,
    /// Midnight UTC.
    #[schema(example = "2026-11-26T00:00:00Z")]
    period_start: DateTime<Utc>,
    /// End of the period, exclusive: one month later, on the same day, or on the last day of a shorter month.
    #[schema(example = "2026-12-26T00:00:00Z")]
    period_end: DateTime<Utc>,
    /// The plan of the next period, if it is a different one.
    #[schema(required, example = json!(null))]
    next_plan_code: Option<String>,
    /// Whether the subscription ends with this period.
    cancel_at_period_end: bool,
    /// Price per month.
    price: MoneyBody,
    /// Inbound messages per period that the price includes.
    #[schema(example = 1000)]
    included_messages: u64,
    price_per_message: MoneyBody,
    usage: PeriodUsageBody,
    /// Increases with each change.
    #[schema(example = 1)]
    version: i64,
}

/// Usage in the current period. Messages beyond the included ones are billed, never refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeriodUsage)]
pub(crate) struct PeriodUsageBody {
    #[schema(example = 1234)]
    inbound_messages: u64,
    /// Messages beyond the included ones.
    #[schema(example = 234)]
    further_messages: u64,
}

closed_set!(StatusBody = SubscriptionStatus, "SubscriptionStatus");

/// The plan to choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriptionChange)]
pub(crate) struct ChangeBody {
    #[schema(example = "starter", format = "plan-code")]
    plan_code: String,
    /// Whether to cancel at the end of the period. Choose the plan again without it to undo the cancellation.
    #[serde(default)]
    cancel_at_period_end: bool,
    /// If given, the request is refused unless it is the current version.
    #[schema(example = 1)]
    version: Option<i64>,
}

/// Read the subscription
#[utoipa::path(
    get,
    path = "/billing/subscription",
    operation_id = "readSubscription",
    tag = tags::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    responses((status = 200, description = "The subscription", body = SubscriptionBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
) -> Result<web::Json<SubscriptionBody>, Problem> {
    let found = state
        .in_tenant(allow, async |permit, tx| subscription(permit, tx).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(found.into()))
}

/// Choose a plan
///
/// During a trial, or after cancellation, a period on the plan starts at once, today at midnight UTC, and the rest of
/// the trial is lost. During a paid period, a different plan or a cancellation takes effect at its end. Choosing the
/// current plan changes nothing.
#[utoipa::path(
    put,
    path = "/billing/subscription",
    operation_id = "changeSubscription",
    tag = tags::BILLING,
    security(("bearer" = [BillingWrite::PERMISSION])),
    request_body = ChangeBody,
    responses((status = 200, description = "The changed resource", body = SubscriptionBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::StaleVersion]))),
)]
pub(crate) async fn change(
    allow: Allow<BillingWrite>,
    state: web::Data<State>,
    body: Json<ChangeBody>,
) -> Result<web::Json<SubscriptionBody>, Problem> {
    let ChangeBody { plan_code, cancel_at_period_end, version } = body.into_inner();
    let plan = plan_code.parse::<PlanCode>().map_err(|_: InvalidPlan| unknown_plan())?;
    let chosen = ChosenPlan { plan, cancel_at_period_end, version };
    let origin = allow.origin();
    let clock = &*state.clock;
    let found = state
        .in_tenant(allow, async |permit, tx| {
            change_subscription(permit, tx, chosen, state.payment_terms, origin, clock).await
        })
        .await?;
    Ok(web::Json(found.into()))
}

fn unknown_plan() -> Problem {
    refused("/plan_code", "unknown", "no such plan")
}

fn refused(pointer: &str, code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::in_body(pointer, code, detail)])
}

impl From<ChangeSubscriptionError> for Problem {
    fn from(error: ChangeSubscriptionError) -> Self {
        match error {
            ChangeSubscriptionError::NotFound => Self::not_found(),
            ChangeSubscriptionError::UnknownPlan => unknown_plan(),
            ChangeSubscriptionError::StaleVersion => Self::new(Code::StaleVersion),
            ChangeSubscriptionError::PlanChangeRefused(error @ PlanChangeRefused::TrialUsed) => {
                refused("/plan_code", "invalid", error.to_string())
            }
            ChangeSubscriptionError::PlanChangeRefused(error @ PlanChangeRefused::CanceledBeforeStart) => {
                refused("/cancel_at_period_end", "invalid", error.to_string())
            }
            ChangeSubscriptionError::Close(ClosePeriodError::Store(error)) => error.into(),
            ChangeSubscriptionError::Close(error) => Self::internal(error),
        }
    }
}

impl From<RunningSubscription> for SubscriptionBody {
    fn from(running: RunningSubscription) -> Self {
        let RunningSubscription { subscription, inbound_messages } = running;
        let terms = subscription.plan.terms;
        Self {
            plan_code: subscription.plan.code.to_string(),
            status: subscription.status.into(),
            period_start: midnight_utc(subscription.period.start()),
            period_end: midnight_utc(subscription.period.end()),
            next_plan_code: subscription.next_plan.map(|code| code.to_string()),
            cancel_at_period_end: subscription.cancel_at_period_end,
            price: terms.monthly_price().into(),
            included_messages: terms.included_messages(),
            price_per_message: terms.message_price().into(),
            usage: PeriodUsageBody {
                inbound_messages,
                further_messages: inbound_messages.saturating_sub(terms.included_messages()),
            },
            version: subscription.version,
        }
    }
}
