use audit::{Action, Origin, PlatformAuditRepo, Record, target};
use billing::{Offer, PlanCatalogue};
use kernel::{Clock, Operator, StoreError};

/// What it takes to change the catalogue.
pub trait PlanTx: PlanCatalogue + PlatformAuditRepo {}

impl<T: PlanCatalogue + PlatformAuditRepo + ?Sized> PlanTx for T {}

/// Adds a plan to the catalogue, or changes the one with its code. Running periods and invoices stay as they are: what is
/// different holds from each subscription's next period on.
///
/// # Errors
/// [`StoreError`].
pub async fn save_plan(
    operator: Operator,
    tx: &mut dyn PlanTx,
    offer: &Offer,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    tx.save_plan(offer, clock.now()).await?;
    let (plan, terms) = (&offer.plan, &offer.plan.terms);
    let record = Record::new(operator.into(), Origin::default(), Action::PlanChanged, clock)
        .about(target::PLAN, &plan.code)
        .with("name", plan.name.as_str())
        .with("currency", terms.monthly_price().currency().as_str())
        .with("monthly_price_minor", terms.monthly_price().minor())
        .with("included_messages", terms.included_messages())
        .with("message_price_minor", terms.message_price().minor())
        .with("available", offer.available);
    tx.append_platform_audit_record(&record).await
}
