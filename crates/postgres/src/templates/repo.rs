use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, TemplateId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use outbound::template::Template;
use outbound::{Language, StoredTemplate, SyncCounts, TemplateFilter, TemplateName, TemplateRepo};
use uuid::Uuid;

use super::row::{Row, language};
use super::{replace, syncs};
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{templates, whatsapp_accounts};
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

diesel::allow_tables_to_appear_in_same_query!(templates, whatsapp_accounts);

/// What Meta sends.
const USABLE: [&str; 2] = ["approved", "flagged"];
/// Meta limits the edits of this time.
const EDITS_KEPT: TimeDelta = TimeDelta::days(30);

/// Of each business account the number that may use its templates: an active one before others, the oldest.
const ACCOUNTS: &str = "
SELECT DISTINCT ON (waba_id) waba_id, id FROM whatsapp_accounts
 WHERE tenant_id = $1 AND waba_id = ANY ($2)
 ORDER BY waba_id, (status = 'active') DESC, created_at, id";

const WITH_TOKEN: &str = "
SELECT a.id FROM whatsapp_accounts a
  JOIN account_credentials c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
 WHERE a.tenant_id = $1 AND a.waba_id = $2 AND a.status = 'active' AND c.access_token_sealed IS NOT NULL
 ORDER BY (c.token_refusal IS NOT NULL), a.created_at, a.id
 LIMIT 1";

#[derive(diesel::QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = types::Text)]
    waba_id: String,
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
}

#[async_trait]
impl TemplateRepo for Tx<Tenant> {
    async fn templates(
        &mut self,
        filter: &TemplateFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredTemplate>, StoreError> {
        let tenant = self.tenant_id();
        let mut query = templates::table
            .filter(templates::tenant_id.eq(tenant))
            .order((templates::created_at.desc(), templates::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        if let Some(account) = filter.account {
            let of_account = whatsapp_accounts::table
                .filter(whatsapp_accounts::tenant_id.eq(tenant).and(whatsapp_accounts::id.eq(account.as_uuid())))
                .select(whatsapp_accounts::waba_id);
            query = query.filter(templates::waba_id.eq_any(of_account));
        }
        if let Some(status) = filter.status {
            query = query.filter(templates::status.eq(status.into_str()));
        }
        if let Some(name) = &filter.name {
            query = query.filter(templates::name.eq(name));
        }
        query = continue_after(query, page.after, templates::created_at, templates::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let found = self.with_accounts(rows).await?;
        Ok(Page::of(found, page.limit, |template| Cursor::new(template.created_at, template.id.as_uuid())))
    }

    async fn template(&mut self, id: TemplateId) -> Result<Option<StoredTemplate>, StoreError> {
        let query = templates::table.find((self.tenant_id(), id.as_uuid())).select(Row::as_select());
        let row: Option<Row> = query.first(self.connection()).await.optional().or_store_error()?;
        Ok(self.with_accounts(row.into_iter().collect()).await?.pop())
    }

    /// Reads also templates that have a name of one and a language of another of the names: they are few.
    async fn templates_by_name(
        &mut self,
        names: &[TemplateName],
    ) -> Result<HashMap<TemplateName, StoredTemplate>, StoreError> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let query = templates::table
            .filter(templates::tenant_id.eq(self.tenant_id()))
            .filter(templates::waba_id.eq_any(names.iter().map(|wanted| &wanted.waba_id)))
            .filter(templates::name.eq_any(names.iter().map(|wanted| &wanted.name)))
            .filter(templates::language.eq_any(names.iter().map(|wanted| wanted.language.as_str())))
            .order((templates::status.eq_any(USABLE).desc(), templates::created_at.desc(), templates::id.desc()))
            .select(Row::as_select());
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let mut found = HashMap::new();
        for stored in self.with_accounts(rows).await? {
            let StoredTemplate { waba_id, template: Template { name, language, .. }, .. } = &stored;
            let name = TemplateName { waba_id: waba_id.clone(), name: name.clone(), language: language.clone() };
            if names.contains(&name) {
                found.entry(name).or_insert(stored);
            }
        }
        Ok(found)
    }

    async fn usable_templates(&mut self, waba_id: &str, limit: u16) -> Result<Vec<(String, Language)>, StoreError> {
        let rows: Vec<(String, String)> = templates::table
            .filter(templates::tenant_id.eq(self.tenant_id()))
            .filter(templates::waba_id.eq(waba_id))
            .filter(templates::status.eq_any(USABLE))
            .order((templates::name, templates::language))
            .limit(limit.into())
            .select((templates::name, templates::language))
            .load(self.connection())
            .await
            .or_store_error()?;
        rows.into_iter().map(|(name, text)| Ok((name, language(&text)?))).collect()
    }

    async fn replace_templates(
        &mut self,
        waba_id: &str,
        name: Option<&str>,
        listed: &[(TemplateId, Template)],
        listed_at: DateTime<Utc>,
    ) -> Result<SyncCounts, StoreError> {
        replace::replace(self, waba_id, name, listed, listed_at).await
    }

    async fn save_template(
        &mut self,
        new: TemplateId,
        waba_id: &str,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<TemplateId, StoreError> {
        let id: Uuid = diesel::insert_into(templates::table)
            .values((
                templates::tenant_id.eq(self.tenant_id()),
                templates::id.eq(new.as_uuid()),
                templates::waba_id.eq(waba_id),
                templates::meta_id.eq(&template.meta_id),
                templates::name.eq(&template.name),
                templates::language.eq(template.language.as_str()),
                templates::category.eq(template.category.into_str()),
                templates::status.eq(template.status.into_str()),
                templates::quality.eq(template.quality.into_str()),
                templates::rejection_reason.eq(&template.rejection_reason),
                templates::format.eq(template.format.into_str()),
                templates::components.eq(template.components.to_string()),
                templates::synced_at.eq(now),
                templates::created_at.eq(now),
            ))
            .on_conflict((templates::tenant_id, templates::waba_id, templates::meta_id))
            .do_update()
            .set((templates::components.eq(template.components.to_string()), templates::synced_at.eq(now)))
            .returning(templates::id)
            .get_result(self.connection())
            .await
            .or_store_error()?;
        Ok(TemplateId::from_uuid(id))
    }

    async fn record_template_edit(
        &mut self,
        id: TemplateId,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql("
            UPDATE templates
               SET components = $3, category = $4, status = $5, synced_at = $6,
                   edited_at = array(SELECT at FROM unnest(edited_at) AS at WHERE at > $7 ORDER BY at) || $6
             WHERE tenant_id = $1 AND id = $2")
        .bind::<types::Uuid, _>(self.tenant_id())
        .bind::<types::Uuid, _>(id.as_uuid())
        .bind::<types::Text, _>(template.components.to_string())
        .bind::<types::Text, _>(template.category.into_str())
        .bind::<types::Text, _>(template.status.into_str())
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Timestamptz, _>(now - EDITS_KEPT);
        self.execute(statement).await?;
        Ok(())
    }

    async fn delete_template(&mut self, id: TemplateId) -> Result<(), StoreError> {
        let query = templates::table.find((self.tenant_id(), id.as_uuid()));
        diesel::delete(query).execute(self.connection()).await.or_store_error()?;
        Ok(())
    }

    async fn record_template_sync(&mut self, waba_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        syncs::record(self, waba_id, now).await
    }

    async fn claim_template_refresh(
        &mut self,
        waba_id: &str,
        now: DateTime<Utc>,
        not_since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        syncs::claim_refresh(self, waba_id, now, not_since).await
    }

    async fn business_accounts(&mut self) -> Result<Vec<String>, StoreError> {
        whatsapp_accounts::table
            .filter(whatsapp_accounts::tenant_id.eq(self.tenant_id()))
            .filter(whatsapp_accounts::status.eq("active"))
            .order(whatsapp_accounts::waba_id)
            .select(whatsapp_accounts::waba_id)
            .distinct()
            .load(self.connection())
            .await
            .or_store_error()
    }

    async fn account_with_token(&mut self, waba_id: &str) -> Result<Option<AccountId>, StoreError> {
        let statement = sql(WITH_TOKEN).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Text, _>(waba_id);
        let found: Option<Id> = Prepared(statement).get_result(self.connection()).await.optional().or_store_error()?;
        Ok(found.map(|row| AccountId::from_uuid(row.id)))
    }
}

impl Tx<Tenant> {
    /// The rows with a number of their business account each.
    async fn with_accounts(&mut self, rows: Vec<Row>) -> Result<Vec<StoredTemplate>, StoreError> {
        let mut wabas: Vec<String> = rows.iter().map(|row| row.waba_id.clone()).collect();
        wabas.sort_unstable();
        wabas.dedup();
        let statement = sql(ACCOUNTS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Texts, _>(wabas);
        let accounts: Vec<AccountRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let accounts: HashMap<String, AccountId> =
            accounts.into_iter().map(|row| (row.waba_id, AccountId::from_uuid(row.id))).collect();
        rows.into_iter()
            .map(|row| {
                let account = accounts.get(&row.waba_id).copied();
                row.into_template(account)
            })
            .collect()
    }
}
