use actix_web::web;
use flows::{PayInvoiceError, pay_invoice};
use kernel::ids::InvoiceId;
use kernel::{BillingWrite, Grant as _};

use super::invoices::InvoiceBody;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Mark an invoice as paid
///
/// Only in a deployment of a single company (`billing.tenants_mark_paid`); elsewhere operators mark invoices as paid. Parley
/// does not record how it was paid. Marking a paid invoice changes nothing. When no invoice is overdue any more,
/// a `past_due` subscription becomes active.
#[utoipa::path(
    post,
    path = "/billing/invoices/{id}/mark-paid",
    operation_id = "markInvoicePaid",
    tag = tags::BILLING,
    security(("bearer" = [BillingWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The invoice's id")),
    responses((status = 200, description = "The paid invoice", body = InvoiceBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::PaymentByOperators]))),
)]
pub(crate) async fn mark_paid(
    allow: Allow<BillingWrite>,
    state: web::Data<State>,
    PathId(id): PathId<InvoiceId>,
) -> Result<web::Json<InvoiceBody>, Problem> {
    if !state.tenants_mark_paid {
        return Err(Problem::new(Code::PaymentByOperators));
    }
    let origin = allow.origin();
    let found =
        state.in_tenant(allow, async |permit, tx| pay_invoice(permit, tx, id, origin, &*state.clock).await).await?;
    Ok(web::Json(found.into()))
}

impl From<PayInvoiceError> for Problem {
    fn from(error: PayInvoiceError) -> Self {
        match error {
            PayInvoiceError::NotFound => Self::not_found(),
            PayInvoiceError::Store(error) => error.into(),
        }
    }
}
