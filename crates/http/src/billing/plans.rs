use actix_web::web;
use billing::{Offer, plans};
use kernel::{BillingRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;

use super::money::MoneyBody;
use crate::auth::Allow;
use crate::problem::Problem;
use crate::state::State;
use crate::tags;

/// A plan that a tenant can choose.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanBody {
    #[schema(example = "starter")]
    code: String,
    #[schema(example = "Starter")]
    name: String,
    /// Price per month.
    price: MoneyBody,
    /// Inbound messages per period that the price includes.
    #[schema(example = 1000)]
    included_messages: u64,
    /// Price of each further message.
    price_per_message: MoneyBody,
}

/// All plans, on one page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plans)]
pub(crate) struct PlansBody {
    data: Vec<PlanBody>,
    /// Always null.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List plans
///
/// All plans at current prices, cheapest first. The last one, `trial`, is the plan of a new tenant and cannot be
/// chosen.
#[utoipa::path(
    get,
    path = "/billing/plans",
    operation_id = "listPlans",
    tag = tags::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    responses((status = 200, description = "The plans", body = PlansBody)),
)]
pub(crate) async fn list(allow: Allow<BillingRead>, state: web::Data<State>) -> Result<web::Json<PlansBody>, Problem> {
    let offers = state.in_tenant(allow, async |permit, tx| plans(permit, tx).await).await?;
    Ok(web::Json(PlansBody { data: offers.into_iter().map(PlanBody::from).collect(), next_cursor: None }))
}

impl From<Offer> for PlanBody {
    fn from(offer: Offer) -> Self {
        let plan = offer.plan;
        let terms = plan.terms;
        Self {
            code: plan.code.to_string(),
            name: plan.name.as_str().to_owned(),
            price: terms.monthly_price().into(),
            included_messages: terms.included_messages(),
            price_per_message: terms.message_price().into(),
        }
    }
}
