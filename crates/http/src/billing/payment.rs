use actix_web::web;
use flows::{PayInvoiceError, pay_invoice, settle};
use kernel::ids::InvoiceId;
use kernel::{BillingWrite, Grant as _};

use super::invoices::InvoiceBody;
use crate::State;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::openapi::tag;
use crate::problem::{Code, Problem};

/// Mark an invoice as paid
///
/// Parley does not record how it was paid. Marking a paid invoice changes nothing. When no invoice is overdue any more,
/// a `past_due` subscription becomes active.
#[utoipa::path(
    post,
    path = "/billing/invoices/{id}/mark-paid",
    operation_id = "markInvoicePaid",
    tag = tag::BILLING,
    security(("bearer" = [BillingWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The invoice's id")),
    responses((status = 200, description = "The paid invoice", body = InvoiceBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn mark_paid(
    allow: Allow<BillingWrite>,
    state: web::Data<State>,
    PathId(id): PathId<InvoiceId>,
) -> Result<web::Json<InvoiceBody>, Problem> {
    let origin = allow.origin();
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = pay_invoice(allow.permit(), &mut *tx, id, origin, &*state.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

impl From<PayInvoiceError> for Problem {
    fn from(error: PayInvoiceError) -> Self {
        match error {
            PayInvoiceError::NotFound => Self::new(Code::NotFound),
            PayInvoiceError::Store(error) => error.into(),
        }
    }
}
