use actix_web::web;
use billing::{CannotChoose, InvalidPlan, PlanCode, RunningSubscription, SubscriptionStatus, subscription};
use chrono::{DateTime, Utc};
use flows::{ChangeSubscriptionError, ChosenPlan, ClosePeriodError, change_subscription, settle};
use kernel::{BillingRead, BillingWrite, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::midnight;
use super::money::MoneyBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::Json;
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};

/// What the tenant pays for. Prices are those of the running period; what the catalogue says by now holds from the next one on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionBody {
    #[schema(example = "starter")]
    plan_code: String,
    status: StatusBody,
    /// Midnight, UTC.
    #[schema(example = "2026-11-26T00:00:00Z")]
    period_start: DateTime<Utc>,
    /// The first moment of the next period: a month later, on the same day or the last of a shorter month.
    #[schema(example = "2026-12-26T00:00:00Z")]
    period_end: DateTime<Utc>,
    /// The plan of the next period, where it is another one.
    #[schema(required, example = json!(null))]
    next_plan_code: Option<String>,
    /// There is no next period.
    cancel_at_period_end: bool,
    /// A month.
    price: MoneyBody,
    /// Inbound messages in a period that cost nothing more.
    #[schema(example = 1000)]
    included_messages: u64,
    price_per_message: MoneyBody,
    usage: PeriodUsageBody,
    /// Rises with each change.
    #[schema(example = 1)]
    version: i64,
}

/// What was used in the running period so far. What is included only says what costs nothing: no message is ever refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeriodUsage)]
pub(crate) struct PeriodUsageBody {
    #[schema(example = 1234)]
    inbound_messages: u64,
    /// Those beyond what is included.
    #[schema(example = 234)]
    further_messages: u64,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusBody {
    /// The first period, for nothing. It ends in `canceled` unless a plan is chosen.
    Trialing,
    Active,
    /// An invoice is due and was not paid. Nothing is refused because of it.
    PastDue,
    /// Nothing is billed any more. Messages are received as ever.
    Canceled,
}

/// What the tenant wants to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriptionChange)]
pub(crate) struct ChangeBody {
    #[schema(example = "starter")]
    plan_code: String,
    /// Not beyond the running period. To choose the plan again without it takes it back.
    #[serde(default)]
    cancel_at_period_end: bool,
    /// Refused unless the subscription still has it.
    #[schema(example = 1)]
    version: Option<i64>,
}

/// Read the subscription
#[utoipa::path(
    get,
    path = "/billing/subscription",
    operation_id = "readSubscription",
    tag = tag::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    responses((status = 200, description = "The subscription", body = SubscriptionBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
) -> Result<web::Json<SubscriptionBody>, Problem> {
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = subscription(allow.permit(), &mut *tx).await;
    let found = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(found.into()))
}

/// Choose a plan
///
/// From a trial, and from a subscription that is canceled, a period on the plan begins at once, today at midnight, UTC; what was
/// left of the trial is gone. A period that is paid for stays as it is: another plan, or the end, comes with the next one.
/// To choose what there is already changes nothing.
#[utoipa::path(
    put,
    path = "/billing/subscription",
    operation_id = "changeSubscription",
    tag = tag::BILLING,
    security(("bearer" = [BillingWrite::PERMISSION])),
    request_body = ChangeBody,
    responses((status = 200, description = "As it is now", body = SubscriptionBody)),
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
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let clock = &*state.identity.clock;
    let outcome = change_subscription(allow.permit(), &mut *tx, chosen, state.payment, origin, clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

fn unknown_plan() -> Problem {
    refused("/plan_code", "unknown", "there is no such plan to choose")
}

fn refused(pointer: &str, code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::at(pointer, code, detail)])
}

impl From<ChangeSubscriptionError> for Problem {
    fn from(error: ChangeSubscriptionError) -> Self {
        match error {
            ChangeSubscriptionError::NotFound => Self::new(Code::NotFound),
            ChangeSubscriptionError::UnknownPlan => unknown_plan(),
            ChangeSubscriptionError::StaleVersion => Self::new(Code::StaleVersion),
            ChangeSubscriptionError::CannotChoose(error @ CannotChoose::TrialIsOver) => {
                refused("/plan_code", "invalid", error.to_string())
            }
            ChangeSubscriptionError::CannotChoose(error @ CannotChoose::EndsBeforeItBegins) => {
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
            period_start: midnight(subscription.period.start()),
            period_end: midnight(subscription.period.end()),
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

impl From<SubscriptionStatus> for StatusBody {
    fn from(status: SubscriptionStatus) -> Self {
        match status {
            SubscriptionStatus::Trialing => Self::Trialing,
            SubscriptionStatus::Active => Self::Active,
            SubscriptionStatus::PastDue => Self::PastDue,
            SubscriptionStatus::Canceled => Self::Canceled,
        }
    }
}
