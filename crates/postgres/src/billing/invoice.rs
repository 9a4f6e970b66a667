use std::collections::HashMap;

use async_trait::async_trait;
use billing::{Invoice, InvoiceLine, InvoiceRepo, InvoiceStatus, Money, Period, PlanCode};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{exists, max, select};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::InvoiceId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::{column, count, currency};
use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{invoice_lines, invoices};
use crate::transaction::{Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoices)]
struct Row {
    id: Uuid,
    number: i64,
    plan_code: String,
    period_start: NaiveDate,
    period_end: NaiveDate,
    currency: String,
    total_minor: i64,
    status: String,
    closed_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    paid_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoice_lines)]
struct LineRow {
    invoice_id: Uuid,
    description: String,
    quantity: i64,
    unit_price_minor: i64,
    amount_minor: i64,
}

#[async_trait]
impl InvoiceRepo for Tx<Tenant> {
    async fn invoices(&mut self, page: &PageRequest) -> Result<Page<Invoice>, StoreError> {
        let mut query = invoices::table
            .filter(invoices::tenant_id.eq(self.tenant_id()))
            .order((invoices::closed_at.desc(), invoices::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, invoices::closed_at, invoices::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let invoices = with_lines(self, rows).await?;
        Ok(Page::of(invoices, page.limit, |it| Cursor::new(it.closed_at, it.id.as_uuid())))
    }

    async fn invoice(&mut self, id: InvoiceId) -> Result<Option<Invoice>, StoreError> {
        let row: Option<Row> = invoices::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        Ok(with_lines(self, row.into_iter().collect()).await?.pop())
    }

    async fn next_invoice_number(&mut self) -> Result<u64, StoreError> {
        let last: Option<i64> = invoices::table
            .filter(invoices::tenant_id.eq(self.tenant_id()))
            .select(max(invoices::number))
            .first(self.connection())
            .await
            .or_store_error()?;
        Ok(count(last.unwrap_or_default(), "invoices.number")? + 1)
    }

    async fn insert_invoice(&mut self, invoice: &Invoice) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        diesel::insert_into(invoices::table)
            .values((
                invoices::tenant_id.eq(tenant),
                invoices::id.eq(invoice.id.as_uuid()),
                invoices::number.eq(column(invoice.number)?),
                invoices::plan_code.eq(invoice.plan.as_str()),
                invoices::period_start.eq(invoice.period.start()),
                invoices::period_end.eq(invoice.period.end()),
                invoices::currency.eq(invoice.total.currency().to_string()),
                invoices::total_minor.eq(invoice.total.minor()),
                invoices::status.eq(invoice.status.into_str()),
                invoices::closed_at.eq(invoice.closed_at),
                invoices::due_at.eq(invoice.due_at),
                invoices::paid_at.eq(invoice.paid_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        let mut rows = Vec::new();
        for (position, line) in (1_i32..).zip(&invoice.lines) {
            rows.push((
                invoice_lines::tenant_id.eq(tenant),
                invoice_lines::invoice_id.eq(invoice.id.as_uuid()),
                invoice_lines::position.eq(position),
                invoice_lines::description.eq(line.description.as_str()),
                invoice_lines::quantity.eq(column(line.quantity)?),
                invoice_lines::unit_price_minor.eq(line.unit_price.minor()),
                invoice_lines::amount_minor.eq(line.amount.minor()),
            ));
        }
        diesel::insert_into(invoice_lines::table).values(rows).execute(self.connection()).await.or_store_error()?;
        Ok(())
    }

    async fn record_payment(&mut self, id: InvoiceId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let open = invoices::table
            .find((self.tenant_id(), id.as_uuid()))
            .filter(invoices::status.eq(InvoiceStatus::Open.into_str()));
        let paid = diesel::update(open)
            .set((invoices::status.eq(InvoiceStatus::Paid.into_str()), invoices::paid_at.eq(Some(now))))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(paid > 0)
    }

    async fn has_overdue_invoice(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let late = invoices::table.filter(
            invoices::tenant_id
                .eq(self.tenant_id())
                .and(invoices::status.eq(InvoiceStatus::Open.into_str()))
                .and(invoices::due_at.le(now)),
        );
        select(exists(late)).get_result(self.connection()).await.or_store_error()
    }
}

async fn with_lines(tx: &mut Tx<Tenant>, rows: Vec<Row>) -> Result<Vec<Invoice>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let lines: Vec<LineRow> = invoice_lines::table
        .filter(invoice_lines::tenant_id.eq(tx.tenant_id()).and(invoice_lines::invoice_id.eq_any(ids)))
        .order((invoice_lines::invoice_id, invoice_lines::position))
        .select(LineRow::as_select())
        .load(tx.connection())
        .await
        .or_store_error()?;
    let mut of_invoice: HashMap<Uuid, Vec<LineRow>> = HashMap::new();
    for line in lines {
        of_invoice.entry(line.invoice_id).or_default().push(line);
    }
    rows.into_iter()
        .map(|row| {
            let lines = of_invoice.remove(&row.id).unwrap_or_default();
            row.into_invoice(lines)
        })
        .collect()
}

impl Row {
    fn into_invoice(self, lines: Vec<LineRow>) -> Result<Invoice, StoreError> {
        let currency = currency(&self.currency, "invoices.currency")?;
        let money = |minor| Money::new(minor, currency);
        let line = |row: LineRow| {
            Ok(InvoiceLine {
                description: row.description,
                quantity: count(row.quantity, "invoice_lines.quantity")?,
                unit_price: money(row.unit_price_minor),
                amount: money(row.amount_minor),
            })
        };
        Ok(Invoice {
            id: InvoiceId::from_uuid(self.id),
            number: count(self.number, "invoices.number")?,
            plan: self.plan_code.parse::<PlanCode>().map_err(|_| StoreError::corrupt("invoices.plan_code"))?,
            period: Period::from_stored(self.period_start, self.period_end)
                .ok_or_else(|| StoreError::corrupt("invoices.period_end"))?,
            lines: lines.into_iter().map(line).collect::<Result<_, StoreError>>()?,
            total: money(self.total_minor),
            status: closed_set::parse(&self.status, "invoices.status")?,
            closed_at: self.closed_at,
            due_at: self.due_at,
            paid_at: self.paid_at,
        })
    }
}
