use actix_web::web;
use flows::{PayInvoiceError, pay_invoice, settle};
use kernel::ids::InvoiceId;
use kernel::{BillingWrite, Grant as _};

use super::invoices::InvoiceBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::PathId;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

/// Mark an invoice as paid
///
/// How it was paid is not Parley's business. One that is paid already stays as it is. When nothing is late any more, a
/// subscription that was past due is active again.
#[utoipa::path(
    post,
    path = "/billing/invoices/{id}/mark-paid",
    operation_id = "markInvoicePaid",
    tag = tag::BILLING,
    security(("bearer" = [BillingWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The invoice's id")),
    responses((status = 200, description = "It is paid", body = InvoiceBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn mark_paid(
    allow: Allow<BillingWrite>,
    state: web::Data<State>,
    PathId(id): PathId<InvoiceId>,
) -> Result<web::Json<InvoiceBody>, Problem> {
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = pay_invoice(allow.permit(), &mut *tx, id, origin, &*state.identity.clock).await;
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
