use audit::{Action, RequestOrigin, target};
use billing::Invoice;
use kernel::ids::InvoiceId;
use kernel::{Authorization, BillingWrite, Clock, StoreError};

use super::{BillingContext, BillingTx};

#[derive(Debug, thiserror::Error)]
pub enum PayInvoiceError {
    #[error("the invoice does not exist")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records the payment of an invoice. If it was the last overdue one, the subscription is no longer past due. A paid invoice
/// stays as it is. Returns the invoice as it is now.
///
/// # Errors
/// [`PayInvoiceError`].
pub async fn pay_invoice(
    by: impl Into<Authorization<BillingWrite>>,
    tx: &mut dyn BillingTx,
    id: InvoiceId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Invoice, PayInvoiceError> {
    let context = BillingContext { by: (&by.into()).into(), origin, clock };
    // Locked first, so that this and a concurrent billing run see each other.
    let before = tx.lock_subscription().await?;
    let paid = tx.record_payment(id, context.now()).await?;
    let invoice = tx.invoice(id).await?.ok_or(PayInvoiceError::NotFound)?;
    if paid {
        let record = context.record(Action::InvoicePaid).about(target::INVOICE, &id).with("number", invoice.number);
        tx.append_audit_record(&record).await?;
        if let Some(before) = before {
            let after = before.clone().with_overdue_invoice(tx.has_overdue_invoice(context.now()).await?);
            context.store(tx, &before, &after).await?;
        }
    }
    Ok(invoice)
}

#[cfg(test)]
mod tests {
    use audit::Principal;
    use billing::{InvoiceStatus, PaymentTerms, SubscriptionStatus};
    use chrono::TimeDelta;

    use super::*;
    use crate::billing::close_tenant_periods;
    use crate::fake::{FakeStore, changes, day, origin, plan, run};

    /// A tenant that is past due with the invoices of two months.
    fn past_due() -> (FakeStore, [InvoiceId; 2]) {
        let mut store = FakeStore::new();
        store.subscribe(&plan("starter", 2_900, 100, 5), day("2026-11-10"));
        let clock = store.clock.clone();
        run(close_tenant_periods(&mut store, Principal::System, PaymentTerms::days(0).unwrap(), &*clock)).unwrap();
        assert_eq!(store.subscription().status, SubscriptionStatus::PastDue);
        store.audit_log.clear();
        // As in the transaction of another request.
        store.billing.is_locked = false;
        let invoices = [0, 1].map(|n: usize| store.billing.invoices[n].id);
        (store, invoices)
    }

    fn pay(store: &mut FakeStore, id: InvoiceId) -> Result<Invoice, PayInvoiceError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(pay_invoice(permit, store, id, origin(), &*clock))
    }

    #[test]
    fn missing_invoice_is_not_found() {
        let (mut store, _) = past_due();
        let missing = InvoiceId::new(&*store.clock);
        assert!(matches!(pay(&mut store, missing), Err(PayInvoiceError::NotFound)));
        assert!(store.audit_log.is_empty());
        assert_eq!(store.subscription().status, SubscriptionStatus::PastDue);
    }

    #[test]
    fn one_of_two_payments_leaves_the_tenant_past_due() {
        let (mut store, [_, second]) = past_due();
        let before = store.subscription().clone();
        let invoice = pay(&mut store, second).unwrap();
        assert_eq!((invoice.status, invoice.paid_at), (InvoiceStatus::Paid, Some(store.clock.now())));
        assert_eq!(store.subscription(), &before);
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::InvoicePaid, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, second.to_string());
        assert_eq!(changes(record), ["number=2"]);
    }

    #[test]
    fn last_payment_makes_the_subscription_active() {
        let (mut store, invoices) = past_due();
        let version = store.subscription().version;
        for invoice in invoices {
            pay(&mut store, invoice).unwrap();
        }
        assert_eq!(store.subscription().status, SubscriptionStatus::Active);
        assert_eq!(store.subscription().version, version + 1);
        assert_eq!(store.audited(), [Action::InvoicePaid, Action::InvoicePaid, Action::SubscriptionChanged]);
        assert_eq!(store.audit_log[2].changes["status"], "active");
    }

    #[test]
    fn paid_invoice_keeps_the_time_of_its_payment() {
        let (mut store, [first, _]) = past_due();
        let paid = pay(&mut store, first).unwrap();
        store.audit_log.clear();
        store.clock.advance(TimeDelta::days(1));
        assert_eq!(pay(&mut store, first).unwrap(), paid);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn payment_without_a_subscription_is_recorded() {
        let (mut store, [first, _]) = past_due();
        store.billing.subscription = None;
        assert_eq!(pay(&mut store, first).unwrap().status, InvoiceStatus::Paid);
        assert_eq!(store.audited(), [Action::InvoicePaid]);
    }
}
