use audit::{Action, PlatformAuditRepo, Record, RequestOrigin, target};
use billing::{Offer, PlanCatalogue};
use kernel::{Clock, Operator, StoreError};

/// What [`save_plan`] needs.
pub trait SavePlanTx: PlanCatalogue + PlatformAuditRepo {}

impl<T: PlanCatalogue + PlatformAuditRepo + ?Sized> SavePlanTx for T {}

/// Adds a plan to the catalogue, or changes the one with the same code. Current periods and invoices keep their terms; a change
/// applies from each subscription's next period on.
///
/// # Errors
/// [`StoreError`].
pub async fn save_plan(
    operator: Operator,
    tx: &mut dyn SavePlanTx,
    offer: &Offer,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    tx.save_plan(offer, clock.now()).await?;
    let (plan, terms) = (&offer.plan, &offer.plan.terms);
    let record = Record::new(operator.into(), RequestOrigin::default(), Action::PlanChanged, clock)
        .about(target::PLAN, &plan.code)
        .with("name", plan.name.as_str())
        .with("currency", terms.monthly_price().currency().as_str())
        .with("monthly_price_minor", terms.monthly_price().minor())
        .with("included_messages", terms.included_messages())
        .with("message_price_minor", terms.message_price().minor())
        .with("available", offer.available);
    tx.append_platform_audit_record(&record).await
}
