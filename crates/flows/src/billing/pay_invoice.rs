use audit::{Action, Actor, Origin, target};
use billing::Invoice;
use kernel::ids::InvoiceId;
use kernel::{BillingWrite, Clock, Permit, StoreError};

use super::{BillingTx, Deed};

#[derive(Debug, thiserror::Error)]
pub enum PayInvoiceError {
    #[error("there is no such invoice")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Notes that an invoice was paid, and that the tenant owes nothing any more if it was the last that was late. One that is
/// paid stays as it is. Answers the invoice as it is now.
///
/// # Errors
/// [`PayInvoiceError`].
pub async fn pay_invoice(
    permit: Permit<BillingWrite>,
    tx: &mut dyn BillingTx,
    id: InvoiceId,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<Invoice, PayInvoiceError> {
    let deed = Deed { by: Actor::User(permit.user()), origin, clock };
    // Whoever notes at this moment that the tenant is late sees the payment, or is seen here.
    let before = tx.lock_subscription().await?;
    let paid = tx.note_payment(id, deed.now()).await?;
    let invoice = tx.invoice(id).await?.ok_or(PayInvoiceError::NotFound)?;
    if paid {
        let record = deed.record(Action::InvoicePaid).about(target::INVOICE, &id).with("number", invoice.number);
        tx.append_audit_record(&record).await?;
        if let Some(before) = before {
            let after = before.clone().with_debts(tx.has_late_invoice(deed.now()).await?);
            deed.store(tx, &before, &after).await?;
        }
    }
    Ok(invoice)
}
