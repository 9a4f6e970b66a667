use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use inbound::{AccountDirectory, AccountRepo, AccountStatus, EventLedger, MetaAppKey, MetaId, WhatsAppAccount};
use kernel::ids::AccountId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{tenants, whatsapp_accounts};
use crate::transaction::{Platform, Tenant, Tx};

diesel::allow_tables_to_appear_in_same_query!(tenants, whatsapp_accounts);

/// What came for a number before it was approved is driven again with the approval; the sweep takes what is beyond this.
const ADOPTED_AT_ONCE: i64 = 1_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = whatsapp_accounts)]
struct Row {
    id: Uuid,
    app_id: String,
    phone_number_id: String,
    waba_id: String,
    display_phone_number: Option<String>,
    name: Option<String>,
    status: String,
    created_at: DateTime<Utc>,
}

#[async_trait]
impl AccountRepo for Tx<Tenant> {
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError> {
        diesel::insert_into(whatsapp_accounts::table)
            .values((
                whatsapp_accounts::tenant_id.eq(self.tenant_id()),
                whatsapp_accounts::id.eq(account.id.as_uuid()),
                whatsapp_accounts::app_id.eq(account.app.as_str()),
                whatsapp_accounts::phone_number_id.eq(account.phone_number_id.as_str()),
                whatsapp_accounts::waba_id.eq(account.waba_id.as_str()),
                whatsapp_accounts::display_phone_number.eq(&account.display_phone_number),
                whatsapp_accounts::name.eq(&account.name),
                whatsapp_accounts::status.eq(match account.status {
                    AccountStatus::Pending => "pending",
                    AccountStatus::Active => "active",
                    AccountStatus::Disconnected => "disconnected",
                }),
                whatsapp_accounts::created_at.eq(account.created_at),
                whatsapp_accounts::updated_at.eq(account.created_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn accounts(&mut self, page: &PageRequest) -> Result<Page<WhatsAppAccount>, StoreError> {
        let mut query = whatsapp_accounts::table
            .filter(whatsapp_accounts::tenant_id.eq(self.tenant_id()))
            .order((whatsapp_accounts::created_at.desc(), whatsapp_accounts::id.desc()))
            .limit(page.limit.and_one())
            .select(Row::as_select())
            .into_boxed();
        continue_after!(query, page.after, whatsapp_accounts::created_at, whatsapp_accounts::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let accounts = rows.into_iter().map(Row::into_account).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(accounts, page.limit, |account| Cursor { time: account.created_at, id: account.id.as_uuid() }))
    }
}

#[async_trait]
impl AccountDirectory for Tx<Platform> {
    async fn approve_account(&mut self, id: AccountId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let approved = diesel::update(whatsapp_accounts::table)
            .filter(whatsapp_accounts::id.eq(id.as_uuid()))
            .filter(whatsapp_accounts::status.eq("pending"))
            .set((whatsapp_accounts::status.eq("active"), whatsapp_accounts::updated_at.eq(now)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        if approved == 1 {
            EventLedger::adopt_unroutable(self, now, ADOPTED_AT_ONCE).await?;
        }
        Ok(approved == 1)
    }

    async fn all_accounts(&mut self) -> Result<Vec<(String, WhatsAppAccount)>, StoreError> {
        let rows: Vec<(String, Row)> = whatsapp_accounts::table
            .inner_join(tenants::table.on(tenants::id.eq(whatsapp_accounts::tenant_id)))
            .order((whatsapp_accounts::created_at.desc(), whatsapp_accounts::id.desc()))
            .select((tenants::slug, Row::as_select()))
            .load(self.connection())
            .await
            .or_store_error()?;
        rows.into_iter().map(|(slug, row)| Ok((slug, row.into_account()?))).collect()
    }
}

impl Row {
    fn into_account(self) -> Result<WhatsAppAccount, StoreError> {
        let meta_id = |text: &str| MetaId::parse(text).map_err(|_| StoreError::corrupt("whatsapp_accounts ids"));
        Ok(WhatsAppAccount {
            id: AccountId::from_uuid(self.id),
            app: MetaAppKey::from_stored(self.app_id),
            phone_number_id: meta_id(&self.phone_number_id)?,
            waba_id: meta_id(&self.waba_id)?,
            display_phone_number: self.display_phone_number,
            name: self.name,
            status: match self.status.as_str() {
                "pending" => AccountStatus::Pending,
                "active" => AccountStatus::Active,
                "disconnected" => AccountStatus::Disconnected,
                _ => return Err(StoreError::corrupt("whatsapp_accounts.status")),
            },
            created_at: self.created_at,
        })
    }
}
