use audit::{Action, target};
use billing::{Invoice, PaymentTerms, Period, Plan, Subscription};
use chrono::NaiveDate;
use kernel::StoreError;

use super::{BillingContext, BillingTx, ClosePeriodError};

/// Closes the periods of a locked subscription that ended before a day, in order. Returns the renewed subscription, which is
/// not stored yet, and the number of closed periods.
pub(super) async fn close_ended(
    tx: &mut dyn BillingTx,
    mut subscription: Subscription,
    day: NaiveDate,
    payment: PaymentTerms,
    context: &BillingContext<'_>,
) -> Result<(Subscription, usize), ClosePeriodError> {
    let mut closed = 0;
    while subscription.has_ended(day) {
        close(tx, &subscription.plan, subscription.period, payment, context).await?;
        closed += 1;
        let next = match subscription.renewal_plan().cloned() {
            None => None,
            Some(code) => {
                let offer = tx.plan(&code).await?;
                Some(offer.ok_or_else(|| StoreError::corrupt("plans: the plan of a subscription is missing"))?.plan)
            }
        };
        subscription = subscription.renewed(next);
    }
    Ok((subscription, closed))
}

/// Writes the invoice of a period. The subscription must be locked, so that no message is counted for the period any more.
pub(super) async fn close(
    tx: &mut dyn BillingTx,
    plan: &Plan,
    period: Period,
    payment: PaymentTerms,
    context: &BillingContext<'_>,
) -> Result<(), ClosePeriodError> {
    let messages = tx.messages_in(period).await?;
    let number = tx.next_invoice_number().await?;
    let invoice = Invoice::close(number, plan, period, messages, payment, context.clock)?;
    tx.insert_invoice(&invoice).await?;
    let record = context
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
