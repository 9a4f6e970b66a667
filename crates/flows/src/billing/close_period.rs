use audit::{Action, target};
use billing::{Invoice, PaymentTerms, Period, Plan, Subscription};
use chrono::NaiveDate;
use kernel::StoreError;

use super::{BillingTx, ClosePeriodError, Deed};

/// Closes the periods of a locked subscription that ended before a day, one after the other; the subscription as it is then,
/// not stored yet, and how many there were.
pub(super) async fn close_ended(
    tx: &mut dyn BillingTx,
    mut subscription: Subscription,
    day: NaiveDate,
    payment: PaymentTerms,
    deed: &Deed<'_>,
) -> Result<(Subscription, usize), ClosePeriodError> {
    let mut closed = 0;
    while subscription.has_ended(day) {
        close(tx, &subscription.plan, subscription.period, payment, deed).await?;
        closed += 1;
        let next = match subscription.renews_on().cloned() {
            None => None,
            Some(code) => {
                let offer = tx.plan(&code).await?;
                Some(offer.ok_or_else(|| StoreError::corrupt("plans: one that is subscribed to is gone"))?.plan)
            }
        };
        subscription = subscription.renewed(next);
    }
    Ok((subscription, closed))
}

/// Writes the invoice of a period. The subscription is locked: nobody counts a message for the period any more.
pub(super) async fn close(
    tx: &mut dyn BillingTx,
    plan: &Plan,
    period: Period,
    payment: PaymentTerms,
    deed: &Deed<'_>,
) -> Result<(), ClosePeriodError> {
    let messages = tx.messages_in(period).await?;
    let number = tx.next_invoice_number().await?;
    let invoice = Invoice::close(number, plan, period, messages, payment, deed.clock)?;
    tx.insert_invoice(&invoice).await?;
    let record = deed
        .record(Action::InvoiceClosed)
        .about(target::INVOICE, &invoice.id)
        .with("number", invoice.number)
        .with("plan_code", invoice.plan.as_str())
        .with("period_start", period.start().to_string())
        .with("period_end", period.end().to_string())
        .with("inbound_messages", messages)
        .with("total_minor", invoice.total.minor())
        .with("currency", invoice.total.currency().as_str());
    tx.append_audit_record(&record).await?;
    Ok(())
}
