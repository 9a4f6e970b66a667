use actix_web::web;
use billing::{Invoice, InvoiceLine, InvoiceStatus, invoice, invoices};
use chrono::{DateTime, Utc};
use kernel::ids::InvoiceId;
use kernel::{BillingRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::midnight::midnight_utc;
use super::money::MoneyBody;
use crate::auth::Allow;
use crate::closed_set::closed_set;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// The invoice of a billing period. Only its payment can still change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoice)]
pub(crate) struct InvoiceBody {
    id: Uuid,
    /// Consecutive number within the tenant, from 1.
    #[schema(example = 1)]
    number: u64,
    #[schema(example = "starter")]
    plan_code: String,
    #[schema(example = "2026-11-26T00:00:00Z")]
    period_start: DateTime<Utc>,
    /// End of the period, exclusive.
    #[schema(example = "2026-12-26T00:00:00Z")]
    period_end: DateTime<Utc>,
    status: InvoiceStatusBody,
    lines: Vec<InvoiceLineBody>,
    /// The sum of the lines.
    total: MoneyBody,
    closed_at: DateTime<Utc>,
    /// An open invoice is overdue after this time.
    due_at: DateTime<Utc>,
    #[schema(required)]
    paid_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvoiceLine)]
pub(crate) struct InvoiceLineBody {
    #[schema(example = "Inbound messages, further")]
    description: String,
    #[schema(example = 234)]
    quantity: u64,
    unit_price: MoneyBody,
    /// Quantity times unit price.
    amount: MoneyBody,
}

closed_set!(InvoiceStatusBody = InvoiceStatus, "InvoiceStatus");

/// List invoices
///
/// Newest first. The invoice of a period is available one hour after the period's end.
#[utoipa::path(
    get,
    path = "/billing/invoices",
    operation_id = "listInvoices",
    tag = tags::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of invoices", body = PageBody<InvoiceBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<InvoiceBody>>, Problem> {
    state
        .list(allow, ListKind::Invoices, &listing.page, async |permit, tx, page| invoices(permit, tx, page).await)
        .await
}

/// Read an invoice
#[utoipa::path(
    get,
    path = "/billing/invoices/{id}",
    operation_id = "readInvoice",
    tag = tags::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The invoice's id")),
    responses((status = 200, description = "The invoice", body = InvoiceBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
    PathId(id): PathId<InvoiceId>,
) -> Result<web::Json<InvoiceBody>, Problem> {
    let invoice = state
        .in_tenant(allow, async |permit, tx| invoice(permit, tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(invoice.into()))
}

impl From<Invoice> for InvoiceBody {
    fn from(invoice: Invoice) -> Self {
        Self {
            id: invoice.id.as_uuid(),
            number: invoice.number,
            plan_code: invoice.plan.to_string(),
            period_start: midnight_utc(invoice.period.start()),
            period_end: midnight_utc(invoice.period.end()),
            status: invoice.status.into(),
            lines: invoice.lines.into_iter().map(InvoiceLineBody::from).collect(),
            total: invoice.total.into(),
            closed_at: invoice.closed_at,
            due_at: invoice.due_at,
            paid_at: invoice.paid_at,
        }
    }
}

impl From<InvoiceLine> for InvoiceLineBody {
    fn from(line: InvoiceLine) -> Self {
        let InvoiceLine { description, quantity, unit_price, amount } = line;
        Self { description, quantity, unit_price: unit_price.into(), amount: amount.into() }
    }
}
