use actix_web::web;
use billing::{Invoice, InvoiceLine, InvoiceStatus, invoice, invoices};
use chrono::{DateTime, Utc};
use flows::settle;
use kernel::ids::InvoiceId;
use kernel::{BillingRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::midnight;
use super::money::MoneyBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{PageQuery, PathId, Query, page_request};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, Problem};

/// What a period cost. Nothing but its payment changes any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoice)]
pub(crate) struct InvoiceBody {
    id: Uuid,
    /// Counts from 1 for each tenant, without gaps.
    #[schema(example = 1)]
    number: u64,
    #[schema(example = "starter")]
    plan_code: String,
    #[schema(example = "2026-11-26T00:00:00Z")]
    period_start: DateTime<Utc>,
    /// The first moment after the period.
    #[schema(example = "2026-12-26T00:00:00Z")]
    period_end: DateTime<Utc>,
    status: InvoiceStatusBody,
    lines: Vec<InvoiceLineBody>,
    /// The sum of the lines.
    total: MoneyBody,
    closed_at: DateTime<Utc>,
    /// From then on it is late, if it is open.
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
    /// So many times the unit price.
    amount: MoneyBody,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = InvoiceStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvoiceStatusBody {
    Open,
    /// Or there was nothing to pay.
    Paid,
}

/// List invoices
///
/// Latest first. A period's invoice is there from an hour after its end on.
#[utoipa::path(
    get,
    path = "/billing/invoices",
    operation_id = "listInvoices",
    tag = tag::BILLING,
    security(("bearer" = [BillingRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of invoices", body = PageBody<InvoiceBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<BillingRead>,
    state: web::Data<State>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<PageBody<InvoiceBody>>, Problem> {
    let list = List { kind: ListKind::Invoices, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = invoices(allow.permit(), &mut *tx, &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

/// Read an invoice
#[utoipa::path(
    get,
    path = "/billing/invoices/{id}",
    operation_id = "readInvoice",
    tag = tag::BILLING,
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
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = invoice(allow.permit(), &mut *tx, id).await;
    let invoice = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(invoice.into()))
}

impl From<Invoice> for InvoiceBody {
    fn from(invoice: Invoice) -> Self {
        Self {
            id: invoice.id.as_uuid(),
            number: invoice.number,
            plan_code: invoice.plan.to_string(),
            period_start: midnight(invoice.period.start()),
            period_end: midnight(invoice.period.end()),
            status: match invoice.status {
                InvoiceStatus::Open => InvoiceStatusBody::Open,
                InvoiceStatus::Paid => InvoiceStatusBody::Paid,
            },
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
