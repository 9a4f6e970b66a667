use actix_web::web;
use billing::BillingDirectory;
use flows::pay_invoice;
use kernel::TenantScope;
use kernel::ids::InvoiceId;
use tokens::ScopeGrant as _;
use tokens::scope::BillingWrite;

use crate::billing::invoices::InvoiceBody;
use crate::extract::PathId;
use crate::operators::Operate;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Mark a tenant's invoice as paid
///
/// Parley does not record how it was paid. Marking a paid invoice changes nothing. When no invoice is overdue any more,
/// the tenant's `past_due` subscription becomes active. The tenant's audit log names the operator's key.
#[utoipa::path(
    post,
    path = "/platform/invoices/{id}/mark-paid",
    operation_id = "markAnyInvoicePaid",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [BillingWrite::SCOPE])),
    params(("id" = Uuid, Path, description = "The invoice's id")),
    responses((status = 200, description = "The paid invoice", body = InvoiceBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn mark_paid(
    operate: Operate<BillingWrite>,
    state: web::Data<State>,
    PathId(id): PathId<InvoiceId>,
) -> Result<web::Json<InvoiceBody>, Problem> {
    let (operator, origin, clock) = (operate.operator(), operate.origin(), &*state.clock);
    let tenant = state
        .database
        .in_directory(async |tx| BillingDirectory::tenant_of_invoice(tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    #[expect(clippy::disallowed_methods, reason = "an operator names an invoice, with a key that may mark any as paid")]
    let scope = TenantScope::mint(tenant);
    let paid = state.in_scope(&scope, async |tx| pay_invoice(operator, tx, id, origin, clock).await).await?;
    Ok(web::Json(paid.into()))
}
