use async_trait::async_trait;
use billing::{Offer, PlanCatalogue, PlanCode, PlanRepo};
use chrono::{DateTime, Utc};
use diesel::upsert::excluded;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::StoreError;

use super::{PlanColumns, column};
use crate::error::OrStoreError;
use crate::schema::plans;
use crate::transaction::{Platform, Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = plans)]
struct Row {
    code: String,
    name: String,
    currency: String,
    monthly_price_minor: i64,
    included_messages: i64,
    message_price_minor: i64,
    available: bool,
}

#[async_trait]
impl PlanRepo for Tx<Tenant> {
    async fn available_plans(&mut self) -> Result<Vec<Offer>, StoreError> {
        let mut offers = all(self.connection()).await?;
        offers.retain(|offer| offer.available);
        Ok(offers)
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Offer>, StoreError> {
        let row: Option<Row> = plans::table
            .find(code.as_str())
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_offer).transpose()
    }
}

#[async_trait]
impl PlanCatalogue for Tx<Platform> {
    async fn all_plans(&mut self) -> Result<Vec<Offer>, StoreError> {
        all(self.connection()).await
    }

    async fn save_plan(&mut self, offer: &Offer, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (plan, terms) = (&offer.plan, &offer.plan.terms);
        diesel::insert_into(plans::table)
            .values((
                plans::code.eq(plan.code.as_str()),
                plans::name.eq(plan.name.as_str()),
                plans::currency.eq(terms.monthly_price().currency().to_string()),
                plans::monthly_price_minor.eq(terms.monthly_price().minor()),
                plans::included_messages.eq(column(terms.included_messages())?),
                plans::message_price_minor.eq(terms.message_price().minor()),
                plans::available.eq(offer.available),
                plans::created_at.eq(now),
                plans::updated_at.eq(now),
            ))
            .on_conflict(plans::code)
            .do_update()
            .set((
                plans::name.eq(excluded(plans::name)),
                plans::currency.eq(excluded(plans::currency)),
                plans::monthly_price_minor.eq(excluded(plans::monthly_price_minor)),
                plans::included_messages.eq(excluded(plans::included_messages)),
                plans::message_price_minor.eq(excluded(plans::message_price_minor)),
                plans::available.eq(excluded(plans::available)),
                plans::updated_at.eq(excluded(plans::updated_at)),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

async fn all(connection: &mut AsyncPgConnection) -> Result<Vec<Offer>, StoreError> {
    let rows: Vec<Row> = plans::table
        .order((plans::monthly_price_minor, plans::code))
        .select(Row::as_select())
        .load(connection)
        .await
        .or_store_error()?;
    let mut offers = rows.into_iter().map(Row::into_offer).collect::<Result<Vec<_>, _>>()?;
    offers.sort_by_key(|offer| offer.plan.code.is_trial());
    Ok(offers)
}

impl Row {
    fn into_offer(self) -> Result<Offer, StoreError> {
        let Self { code, name, currency, monthly_price_minor, included_messages, message_price_minor, available } =
            self;
        let columns = PlanColumns { code, name, currency, monthly_price_minor, included_messages, message_price_minor };
        Ok(Offer { plan: columns.into_plan("plans")?, available })
    }
}
