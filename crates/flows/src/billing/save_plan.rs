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

#[cfg(test)]
mod tests {
    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, changes, operator, plan, run};

    fn save(store: &mut FakeStore, offer: &Offer) {
        let clock = store.clock.clone();
        run(save_plan(operator(), store, offer, &*clock)).unwrap();
    }

    #[test]
    fn saved_plan_is_recorded_with_its_terms() {
        let mut store = FakeStore::new();
        let offer = Offer { plan: plan("starter", 2_900, 100, 5), available: true };
        save(&mut store, &offer);
        assert_eq!(store.billing.plans, [offer]);
        let [record] = &store.platform_audit_log[..] else { panic!("{:?}", store.audited_on_platform()) };
        assert_eq!((record.action, record.actor), (Action::PlanChanged, Principal::CommandLine));
        let about = record.target.as_ref().unwrap();
        assert_eq!((about.kind, about.id.as_str()), (target::PLAN, "starter"));
        assert_eq!(
            changes(record),
            [
                "available=true",
                r#"currency="EUR""#,
                "included_messages=100",
                "message_price_minor=5",
                "monthly_price_minor=2900",
                r#"name="STARTER""#
            ]
        );
    }

    #[test]
    fn withdrawn_plan_is_recorded_as_not_available() {
        let mut store = FakeStore::new();
        for available in [true, false] {
            save(&mut store, &Offer { plan: plan("starter", 2_900, 100, 5), available });
        }
        assert!(!store.billing.plans[0].available);
        assert_eq!(store.platform_audit_log[1].changes["available"], false);
    }
}
