use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use iam::{Tenant, TenantDirectory, TenantReference, TenantRepo, TenantStatus, TenantWeight};
use kernel::ids::TenantId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::{self_registration, slug, tenant_name, tenant_status};
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::tenants;
use crate::transaction::{self, Platform, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenants)]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    status: String,
    self_registration: String,
    created_at: DateTime<Utc>,
}

#[async_trait]
impl TenantRepo for Tx<transaction::Tenant> {
    async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        diesel::insert_into(tenants::table)
            .values((
                tenants::id.eq(tenant.id.as_uuid()),
                tenants::slug.eq(tenant.slug.as_str()),
                tenants::name.eq(tenant.name.as_str()),
                tenants::status.eq(tenant.status.into_str()),
                tenants::self_registration.eq(tenant.self_registration.into_str()),
                tenants::created_at.eq(tenant.created_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
        let row: Option<Row> = tenants::table
            .find(self.tenant_id())
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_tenant).transpose()
    }

    async fn lock_tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
        let row: Option<Row> = tenants::table
            .find(self.tenant_id())
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_tenant).transpose()
    }

    async fn tenant_weight(&mut self) -> Result<TenantWeight, StoreError> {
        let query = tenants::table.find(self.tenant_id()).select(tenants::weight);
        let stored: Option<i16> = query.first(self.connection()).await.optional().or_store_error()?;
        stored.map_or(Ok(TenantWeight::default()), weight)
    }

    async fn set_tenant_weight(&mut self, weight: TenantWeight) -> Result<(), StoreError> {
        diesel::update(tenants::table.find(self.tenant_id()))
            .set(tenants::weight.eq(i16::from(weight.get())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn update_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        diesel::update(tenants::table.find(self.tenant_id()))
            .set((
                tenants::name.eq(tenant.name.as_str()),
                tenants::status.eq(tenant.status.into_str()),
                tenants::self_registration.eq(tenant.self_registration.into_str()),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

#[async_trait]
impl TenantDirectory for Tx<Platform> {
    async fn find_tenant(&mut self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError> {
        let tenants = tenants::table.select(Row::as_select()).into_boxed();
        let found = match reference {
            TenantReference::Id(id) => tenants.filter(tenants::id.eq(id.as_uuid())),
            TenantReference::Slug(slug) => tenants.filter(tenants::slug.eq(slug.as_str())),
        };
        let row: Option<Row> = found.first(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_tenant).transpose()
    }

    async fn tenants(&mut self, status: Option<TenantStatus>, page: &PageRequest) -> Result<Page<Tenant>, StoreError> {
        let mut query = tenants::table
            .order((tenants::created_at.desc(), tenants::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        if let Some(status) = status {
            query = query.filter(tenants::status.eq(status.into_str()));
        }
        query = continue_after(query, page.after, tenants::created_at, tenants::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let tenants = rows.into_iter().map(Row::into_tenant).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(tenants, page.limit, |tenant| Cursor::new(tenant.created_at, tenant.id.as_uuid())))
    }

    async fn tenant_weights(&mut self, of: &[TenantId]) -> Result<HashMap<TenantId, TenantWeight>, StoreError> {
        let ids: Vec<Uuid> = of.iter().map(|tenant| tenant.as_uuid()).collect();
        let query = tenants::table.filter(tenants::id.eq_any(ids)).select((tenants::id, tenants::weight));
        let rows: Vec<(Uuid, i16)> = query.load(self.connection()).await.or_store_error()?;
        rows.into_iter().map(|(id, stored)| Ok((TenantId::from_uuid(id), weight(stored)?))).collect()
    }
}

fn weight(stored: i16) -> Result<TenantWeight, StoreError> {
    TenantWeight::new(stored.into()).map_err(|_| StoreError::corrupt("tenants.weight"))
}

impl Row {
    fn into_tenant(self) -> Result<Tenant, StoreError> {
        Ok(Tenant {
            id: TenantId::from_uuid(self.id),
            slug: slug(&self.slug)?,
            name: tenant_name(&self.name)?,
            status: tenant_status(&self.status)?,
            self_registration: self_registration(&self.self_registration)?,
            created_at: self.created_at,
        })
    }
}
