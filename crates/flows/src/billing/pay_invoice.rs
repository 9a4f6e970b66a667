use audit::{Action, Principal, RequestOrigin, target};
use billing::Invoice;
use kernel::ids::InvoiceId;
use kernel::{BillingWrite, Clock, Permit, StoreError};

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
    permit: Permit<BillingWrite>,
    tx: &mut dyn BillingTx,
    id: InvoiceId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Invoice, PayInvoiceError> {
    let context = BillingContext { by: Principal::User(permit.user()), origin, clock };
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
