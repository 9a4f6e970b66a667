use std::collections::HashMap;

use async_trait::async_trait;
use channels::{
    AccountDirectory, AccountRepo, AccountStatus, AccountWithTenant, ApprovedAccount, Disconnection, LastDelivery,
    MetaId, SendingFacts, Throughput, WaitingMedia, WhatsAppAccount,
};
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use inbound::EventLedger;
use kernel::ids::{AccountId, TenantId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use serde_json::Value;
use uuid::Uuid;
use whatsapp::{EventKind, MetaAppKey};

use super::account_credentials;
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{tenants, whatsapp_accounts};
use crate::transaction::{Platform, Tenant, Tx};

diesel::allow_tables_to_appear_in_same_query!(tenants, whatsapp_accounts);

/// Number of unroutable events that an approval assigns to the account at once; the relay's sweep assigns the rest.
const ASSIGNED_AT_ONCE: i64 = 1_000;

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
    disconnected_by: Option<String>,
    health: Value,
    last_delivery_at: Option<DateTime<Utc>>,
    last_delivery_kind: Option<String>,
    throughput: i16,
    send_read_receipts: bool,
    created_at: DateTime<Utc>,
}

#[async_trait]
impl AccountRepo for Tx<Tenant> {
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError> {
        let (status, disconnected_by) = status_keys(account.status);
        diesel::insert_into(whatsapp_accounts::table)
            .values((
                whatsapp_accounts::tenant_id.eq(self.tenant_id()),
                whatsapp_accounts::id.eq(account.id.as_uuid()),
                whatsapp_accounts::app_id.eq(account.app.as_str()),
                whatsapp_accounts::phone_number_id.eq(account.phone_number_id.as_str()),
                whatsapp_accounts::waba_id.eq(account.waba_id.as_str()),
                whatsapp_accounts::display_phone_number.eq(&account.display_phone_number),
                whatsapp_accounts::name.eq(&account.name),
                whatsapp_accounts::status.eq(status),
                whatsapp_accounts::disconnected_by.eq(disconnected_by),
                whatsapp_accounts::throughput.eq(throughput_column(account.throughput)),
                whatsapp_accounts::send_read_receipts.eq(account.send_read_receipts),
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
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, whatsapp_accounts::created_at, whatsapp_accounts::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let mut accounts = rows.into_iter().map(Row::into_account).collect::<Result<Vec<_>, _>>()?;
        account_credentials::add_facts(self, accounts.iter_mut()).await?;
        Ok(Page::of(accounts, page.limit, |account| Cursor::new(account.created_at, account.id.as_uuid())))
    }

    async fn accounts_by_id(&mut self, ids: &[AccountId]) -> Result<HashMap<AccountId, WhatsAppAccount>, StoreError> {
        let query = whatsapp_accounts::table
            .filter(whatsapp_accounts::tenant_id.eq(self.tenant_id()))
            .filter(whatsapp_accounts::id.eq_any(ids.iter().map(|id| id.as_uuid())))
            .select(Row::as_select());
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let mut accounts = rows.into_iter().map(Row::into_account).collect::<Result<Vec<_>, _>>()?;
        account_credentials::add_facts(self, accounts.iter_mut()).await?;
        Ok(accounts.into_iter().map(|account| (account.id, account)).collect())
    }

    async fn lock_account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError> {
        let query = whatsapp_accounts::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .for_no_key_update();
        let row: Option<Row> = query.first(self.connection()).await.optional().or_store_error()?;
        with_facts(self, row).await
    }

    async fn update_account(&mut self, account: &WhatsAppAccount, now: DateTime<Utc>) -> Result<(), StoreError> {
        let id = account.id;
        diesel::update(whatsapp_accounts::table.find((self.tenant_id(), id.as_uuid())))
            .set((
                whatsapp_accounts::name.eq(&account.name),
                whatsapp_accounts::display_phone_number.eq(&account.display_phone_number),
                whatsapp_accounts::throughput.eq(throughput_column(account.throughput)),
                whatsapp_accounts::send_read_receipts.eq(account.send_read_receipts),
                whatsapp_accounts::updated_at.eq(now),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn disconnect_account(
        &mut self,
        id: AccountId,
        by: Disconnection,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (status, disconnected_by) = status_keys(AccountStatus::Disconnected(by));
        diesel::update(whatsapp_accounts::table.find((self.tenant_id(), id.as_uuid())))
            .set((
                whatsapp_accounts::status.eq(status),
                whatsapp_accounts::disconnected_by.eq(disconnected_by),
                whatsapp_accounts::updated_at.eq(now),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

#[async_trait]
impl AccountDirectory for Tx<Platform> {
    async fn approve_account(
        &mut self,
        id: AccountId,
        now: DateTime<Utc>,
    ) -> Result<Option<ApprovedAccount>, StoreError> {
        let approved: Option<(Uuid, String)> = diesel::update(whatsapp_accounts::table)
            .filter(whatsapp_accounts::id.eq(id.as_uuid()))
            .filter(whatsapp_accounts::status.eq("pending"))
            .set((whatsapp_accounts::status.eq("active"), whatsapp_accounts::updated_at.eq(now)))
            .returning((whatsapp_accounts::tenant_id, whatsapp_accounts::waba_id))
            .get_result(self.connection())
            .await
            .optional()
            .or_store_error()?;
        if approved.is_some() {
            EventLedger::assign_unroutable(self, now, ASSIGNED_AT_ONCE).await?;
        }
        Ok(approved.map(|(tenant, waba_id)| ApprovedAccount { tenant: TenantId::from_uuid(tenant), waba_id }))
    }

    async fn all_accounts(
        &mut self,
        only_pending: bool,
        page: &PageRequest,
    ) -> Result<Page<AccountWithTenant>, StoreError> {
        let mut query = whatsapp_accounts::table
            .inner_join(tenants::table.on(tenants::id.eq(whatsapp_accounts::tenant_id)))
            .order((whatsapp_accounts::created_at.desc(), whatsapp_accounts::id.desc()))
            .limit(page.limit.plus_one())
            .select((tenants::slug, Row::as_select()))
            .into_boxed();
        if only_pending {
            query = query.filter(whatsapp_accounts::status.eq("pending"));
        }
        query = continue_after(query, page.after, whatsapp_accounts::created_at, whatsapp_accounts::id);
        let rows: Vec<(String, Row)> = query.load(self.connection()).await.or_store_error()?;
        let mut accounts = rows
            .into_iter()
            .map(|(tenant, row)| Ok(AccountWithTenant { tenant, account: row.into_account()? }))
            .collect::<Result<Vec<_>, StoreError>>()?;
        account_credentials::add_facts(self, accounts.iter_mut().map(|owned| &mut owned.account)).await?;
        Ok(Page::of(accounts, page.limit, |owned| Cursor::new(owned.account.created_at, owned.account.id.as_uuid())))
    }
}

async fn with_facts(tx: &mut Tx<Tenant>, row: Option<Row>) -> Result<Option<WhatsAppAccount>, StoreError> {
    let mut account = row.map(Row::into_account).transpose()?;
    account_credentials::add_facts(tx, account.iter_mut()).await?;
    Ok(account)
}

fn throughput_column(throughput: Throughput) -> i16 {
    i16::try_from(throughput.per_second()).unwrap_or(i16::MAX)
}

impl Row {
    /// Without what is known of its credentials.
    fn into_account(self) -> Result<WhatsAppAccount, StoreError> {
        let meta_id = |text: &str| MetaId::parse(text).map_err(|_| StoreError::corrupt("whatsapp_accounts ids"));
        Ok(WhatsAppAccount {
            id: AccountId::from_uuid(self.id),
            app: MetaAppKey::from_stored(self.app_id),
            phone_number_id: meta_id(&self.phone_number_id)?,
            waba_id: meta_id(&self.waba_id)?,
            display_phone_number: self.display_phone_number,
            name: self.name,
            status: match (self.status.as_str(), self.disconnected_by.as_deref()) {
                ("pending", None) => AccountStatus::Pending,
                ("active", None) => AccountStatus::Active,
                ("disconnected", Some("tenant")) => AccountStatus::Disconnected(Disconnection::ByTenant),
                ("disconnected", Some("meta")) => AccountStatus::Disconnected(Disconnection::ByMeta),
                _ => return Err(StoreError::corrupt("whatsapp_accounts.status")),
            },
            health: match self.health {
                Value::Object(health) => health,
                _ => return Err(StoreError::corrupt("whatsapp_accounts.health")),
            },
            last_delivery: self
                .last_delivery_at
                .zip(self.last_delivery_kind)
                .map(|(at, kind)| LastDelivery { at, kind: EventKind::from_stored(kind) }),
            throughput: Throughput::new(self.throughput.into())
                .map_err(|_| StoreError::corrupt("whatsapp_accounts.throughput"))?,
            send_read_receipts: self.send_read_receipts,
            sending: SendingFacts::default(),
            last_check: None,
            waiting_media: WaitingMedia::default(),
            created_at: self.created_at,
        })
    }
}

/// `status` and `disconnected_by`.
const fn status_keys(status: AccountStatus) -> (&'static str, Option<&'static str>) {
    match status {
        AccountStatus::Pending => ("pending", None),
        AccountStatus::Active => ("active", None),
        AccountStatus::Disconnected(Disconnection::ByTenant) => ("disconnected", Some("tenant")),
        AccountStatus::Disconnected(Disconnection::ByMeta) => ("disconnected", Some("meta")),
    }
}
