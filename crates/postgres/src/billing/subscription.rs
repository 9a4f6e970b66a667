use async_trait::async_trait;
use billing::{Period, PlanCode, Subscription, SubscriptionRepo};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::StoreError;

use super::{PlanColumns, column};
use crate::closed_set;
use crate::error::OrStoreError;
use crate::schema::subscriptions;
use crate::transaction::{Tenant, Tx};

#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = subscriptions, treat_none_as_null = true)]
struct Row {
    plan_code: String,
    plan_name: String,
    currency: String,
    monthly_price_minor: i64,
    included_messages: i64,
    message_price_minor: i64,
    next_plan_code: Option<String>,
    cancel_at_period_end: bool,
    status: String,
    anchor: NaiveDate,
    period_start: NaiveDate,
    period_end: NaiveDate,
    version: i64,
}

#[async_trait]
impl SubscriptionRepo for Tx<Tenant> {
    async fn subscription(&mut self) -> Result<Option<Subscription>, StoreError> {
        let row: Option<Row> = subscriptions::table
            .find(self.tenant_id())
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_subscription).transpose()
    }

    /// `FOR UPDATE`, although no key changes: it conflicts with `FOR KEY SHARE`, which transactions that count messages hold.
    async fn lock_subscription(&mut self) -> Result<Option<Subscription>, StoreError> {
        let row: Option<Row> = subscriptions::table
            .find(self.tenant_id())
            .select(Row::as_select())
            .for_update()
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_subscription).transpose()
    }

    async fn insert_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError> {
        let row = Row::of(subscription)?;
        diesel::insert_into(subscriptions::table)
            .values((
                subscriptions::tenant_id.eq(self.tenant_id()),
                subscriptions::created_at.eq(now),
                subscriptions::updated_at.eq(now),
                row,
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn update_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError> {
        let row = Row::of(subscription)?;
        diesel::update(subscriptions::table.find(self.tenant_id()))
            .set((row, subscriptions::updated_at.eq(now)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

impl Row {
    fn of(subscription: &Subscription) -> Result<Self, StoreError> {
        let (plan, terms) = (&subscription.plan, &subscription.plan.terms);
        Ok(Self {
            plan_code: plan.code.as_str().to_owned(),
            plan_name: plan.name.as_str().to_owned(),
            currency: terms.monthly_price().currency().to_string(),
            monthly_price_minor: terms.monthly_price().minor(),
            included_messages: column(terms.included_messages())?,
            message_price_minor: terms.message_price().minor(),
            next_plan_code: subscription.next_plan.as_ref().map(|code| code.as_str().to_owned()),
            cancel_at_period_end: subscription.cancel_at_period_end,
            status: subscription.status.into_str().to_owned(),
            anchor: subscription.anchor,
            period_start: subscription.period.start(),
            period_end: subscription.period.end(),
            version: subscription.version,
        })
    }

    fn into_subscription(self) -> Result<Subscription, StoreError> {
        let next_plan = self.next_plan_code.map(|code| code.parse::<PlanCode>()).transpose();
        let plan = PlanColumns {
            code: self.plan_code,
            name: self.plan_name,
            currency: self.currency,
            monthly_price_minor: self.monthly_price_minor,
            included_messages: self.included_messages,
            message_price_minor: self.message_price_minor,
        };
        Ok(Subscription {
            plan: plan.into_plan("subscriptions")?,
            status: closed_set::parse(&self.status, "subscriptions.status")?,
            period: Period::from_stored(self.period_start, self.period_end)
                .ok_or_else(|| StoreError::corrupt("subscriptions.period_end"))?,
            anchor: self.anchor,
            next_plan: next_plan.map_err(|_| StoreError::corrupt("subscriptions.next_plan_code"))?,
            cancel_at_period_end: self.cancel_at_period_end,
            version: self.version,
        })
    }
}
