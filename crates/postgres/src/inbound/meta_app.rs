use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use channels::{
    LastHandshakes, MetaApp, MetaAppDirectory, MetaAppRepo, MetaId, PreviousSecret, SealedSecrets, UnconnectedNumber,
    UnusableEvents,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{exists, select};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{MetaAppId, TenantId};
use kernel::seal::Sealed;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;
use whatsapp::MetaAppKey;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{meta_apps, whatsapp_accounts};
use crate::sql::{sql, types};
use crate::transaction::{Platform, Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = meta_apps)]
struct Row {
    id: Uuid,
    key: String,
    app_id: String,
    name: Option<String>,
    #[diesel(embed)]
    secrets: SecretsRow,
    handshake_succeeded_at: Option<DateTime<Utc>>,
    handshake_failed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = meta_apps)]
struct SecretsRow {
    app_secret_sealed: Vec<u8>,
    app_secret_sealed_with: String,
    previous_app_secret_sealed: Option<Vec<u8>>,
    previous_app_secret_sealed_with: Option<String>,
    previous_app_secret_ends_at: Option<DateTime<Utc>>,
    verify_token_sealed: Vec<u8>,
    verify_token_sealed_with: String,
    updated_at: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct UnusableRow {
    #[diesel(sql_type = types::Text)]
    app_id: String,
    #[diesel(sql_type = types::Date)]
    day: NaiveDate,
    #[diesel(sql_type = types::BigInt)]
    events: i64,
    #[diesel(sql_type = types::BigInt)]
    dropped: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Text>)]
    phone_number_id: Option<String>,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Timestamptz>)]
    number_at: Option<DateTime<Utc>>,
}

const UNUSABLE_EVENTS: &str = "
SELECT DISTINCT ON (u.app_id) u.app_id, u.day, u.events, u.dropped,
       CASE WHEN a.id IS NULL THEN u.phone_number_id END AS phone_number_id, u.number_at
  FROM unusable_events u
  LEFT JOIN whatsapp_accounts a
    ON a.tenant_id = $1 AND a.app_id = u.app_id AND a.phone_number_id = u.phone_number_id AND a.status <> 'disconnected'
 WHERE u.tenant_id = $1 AND u.app_id = ANY ($2)
 ORDER BY u.app_id, u.day DESC";

const HANDSHAKE_SUCCEEDED: &str = "
UPDATE meta_apps SET handshake_succeeded_at = $2
 WHERE key = $1 AND coalesce(handshake_succeeded_at < $2 - interval '1 second', true)";
const HANDSHAKE_FAILED: &str = "
UPDATE meta_apps SET handshake_failed_at = $2
 WHERE key = $1 AND coalesce(handshake_failed_at < $2 - interval '1 second', true)";

/// The columns of an app that a tenant may change.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = meta_apps)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct Changes<'a> {
    name: Option<&'a str>,
    app_secret_sealed: &'a [u8],
    app_secret_sealed_with: &'a str,
    previous_app_secret_sealed: Option<&'a [u8]>,
    previous_app_secret_sealed_with: Option<&'a str>,
    previous_app_secret_ends_at: Option<DateTime<Utc>>,
    verify_token_sealed: &'a [u8],
    verify_token_sealed_with: &'a str,
    updated_at: DateTime<Utc>,
}

impl<'a> From<&'a MetaApp> for Changes<'a> {
    fn from(app: &'a MetaApp) -> Self {
        let SealedSecrets { app_secret, previous_app_secret, verify_token } = &app.secrets;
        let previous = previous_app_secret.as_ref();
        Self {
            name: app.name.as_deref(),
            app_secret_sealed: &app_secret.bytes,
            app_secret_sealed_with: &app_secret.key_id,
            previous_app_secret_sealed: previous.map(|previous| previous.sealed.bytes.as_slice()),
            previous_app_secret_sealed_with: previous.map(|previous| previous.sealed.key_id.as_str()),
            previous_app_secret_ends_at: previous.map(|previous| previous.ends_at),
            verify_token_sealed: &verify_token.bytes,
            verify_token_sealed_with: &verify_token.key_id,
            updated_at: app.updated_at,
        }
    }
}

/// The tenant's app with this key.
#[diesel::dsl::auto_type]
#[expect(clippy::elidable_lifetime_names, reason = "`auto_type` requires named lifetimes")]
fn app_with_key<'a>(tenant: Uuid, key: &'a str) -> _ {
    meta_apps::table.filter(meta_apps::tenant_id.eq(tenant)).filter(meta_apps::key.eq(key))
}

#[async_trait]
impl MetaAppRepo for Tx<Tenant> {
    async fn insert_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError> {
        diesel::insert_into(meta_apps::table)
            .values((
                meta_apps::tenant_id.eq(self.tenant_id()),
                meta_apps::id.eq(app.id.as_uuid()),
                meta_apps::key.eq(app.key.as_str()),
                meta_apps::app_id.eq(app.app_id.as_str()),
                meta_apps::created_at.eq(app.created_at),
                Changes::from(app),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn meta_apps(&mut self, page: &PageRequest) -> Result<Page<MetaApp>, StoreError> {
        let mut query = meta_apps::table
            .filter(meta_apps::tenant_id.eq(self.tenant_id()))
            .order((meta_apps::created_at.desc(), meta_apps::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, meta_apps::created_at, meta_apps::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let apps = rows.into_iter().map(Row::into_app).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(apps, page.limit, |app| Cursor::new(app.created_at, app.id.as_uuid())))
    }

    async fn unusable_events(
        &mut self,
        apps: &[MetaAppKey],
    ) -> Result<HashMap<MetaAppKey, UnusableEvents>, StoreError> {
        let keys: Vec<&str> = apps.iter().map(MetaAppKey::as_str).collect();
        let statement = sql(UNUSABLE_EVENTS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Texts, _>(keys);
        let rows: Vec<UnusableRow> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(UnusableRow::into_events).collect())
    }

    async fn lock_meta_app_shared(&mut self, key: &MetaAppKey) -> Result<bool, StoreError> {
        let query = app_with_key(self.tenant_id(), key.as_str()).select(meta_apps::id).for_key_share();
        let held: Option<Uuid> = query.first(self.connection()).await.optional().or_store_error()?;
        Ok(held.is_some())
    }

    async fn lock_meta_app(&mut self, key: &MetaAppKey) -> Result<Option<MetaApp>, StoreError> {
        let query = app_with_key(self.tenant_id(), key.as_str()).select(Row::as_select()).for_update();
        let row: Option<Row> = query.first(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_app).transpose()
    }

    async fn update_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError> {
        diesel::update(app_with_key(self.tenant_id(), app.key.as_str()))
            .set(Changes::from(app))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn is_meta_app_in_use(&mut self, key: &MetaAppKey) -> Result<bool, StoreError> {
        let bound = whatsapp_accounts::table
            .filter(whatsapp_accounts::tenant_id.eq(self.tenant_id()))
            .filter(whatsapp_accounts::app_id.eq(key.as_str()))
            .filter(whatsapp_accounts::status.ne("disconnected"));
        select(exists(bound)).get_result(self.connection()).await.or_store_error()
    }

    async fn delete_meta_app(&mut self, key: &MetaAppKey) -> Result<(), StoreError> {
        diesel::delete(app_with_key(self.tenant_id(), key.as_str()))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

#[async_trait]
impl MetaAppDirectory for Tx<Platform> {
    async fn meta_app_secrets(&mut self, key: &MetaAppKey) -> Result<Option<SealedSecrets>, StoreError> {
        let query = meta_apps::table.filter(meta_apps::key.eq(key.as_str())).select(SecretsRow::as_select());
        let row: Option<SecretsRow> = query.first(self.connection()).await.optional().or_store_error()?;
        row.map(SecretsRow::into_secrets).transpose()
    }

    async fn record_handshake(
        &mut self,
        key: &MetaAppKey,
        succeeded: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = if succeeded { HANDSHAKE_SUCCEEDED } else { HANDSHAKE_FAILED };
        let statement = sql(statement).bind::<types::Text, _>(key.as_str()).bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn meta_apps_to_reseal(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, MetaAppKey)>, StoreError> {
        let previous = meta_apps::previous_app_secret_sealed_with;
        let otherwise = meta_apps::app_secret_sealed_with
            .ne(key_id)
            .or(meta_apps::verify_token_sealed_with.ne(key_id))
            .or(previous.is_not_null().and(previous.assume_not_null().ne(key_id)));
        let rows: Vec<(Uuid, String)> = meta_apps::table
            .filter(otherwise)
            .order(meta_apps::id)
            .limit(limit)
            .select((meta_apps::tenant_id, meta_apps::key))
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(rows.into_iter().map(|(tenant, key)| (TenantId::from_uuid(tenant), MetaAppKey::from_stored(key))).collect())
    }

    async fn meta_app_sealing_keys(&mut self) -> Result<Vec<String>, StoreError> {
        let ids = meta_apps::table.select((
            meta_apps::app_secret_sealed_with,
            meta_apps::previous_app_secret_sealed_with,
            meta_apps::verify_token_sealed_with,
        ));
        let rows: Vec<(String, Option<String>, String)> =
            ids.distinct().load(self.connection()).await.or_store_error()?;
        let ids: BTreeSet<String> = rows
            .into_iter()
            .flat_map(|(secret, previous, token)| [Some(secret), previous, Some(token)])
            .flatten()
            .collect();
        Ok(ids.into_iter().collect())
    }
}

impl UnusableRow {
    fn into_events(self) -> (MetaAppKey, UnusableEvents) {
        let unconnected_number = self
            .phone_number_id
            .zip(self.number_at)
            .map(|(phone_number_id, at)| UnconnectedNumber { phone_number_id, at });
        let events = UnusableEvents { day: self.day, stored: self.events, dropped: self.dropped, unconnected_number };
        (MetaAppKey::from_stored(self.app_id), events)
    }
}

impl Row {
    fn into_app(self) -> Result<MetaApp, StoreError> {
        Ok(MetaApp {
            id: MetaAppId::from_uuid(self.id),
            key: MetaAppKey::from_stored(self.key),
            app_id: MetaId::parse(&self.app_id).map_err(|_| StoreError::corrupt("meta_apps.app_id"))?,
            name: self.name,
            secrets: self.secrets.into_secrets()?,
            handshakes: LastHandshakes {
                succeeded_at: self.handshake_succeeded_at,
                failed_at: self.handshake_failed_at,
            },
            unusable: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl SecretsRow {
    fn into_secrets(self) -> Result<SealedSecrets, StoreError> {
        Ok(SealedSecrets {
            app_secret: Sealed { key_id: self.app_secret_sealed_with, bytes: self.app_secret_sealed },
            previous_app_secret: match (self.previous_app_secret_sealed_with, self.previous_app_secret_sealed) {
                (Some(key_id), Some(bytes)) => Some(PreviousSecret {
                    sealed: Sealed { key_id, bytes },
                    // Earlier releases stored no end. The app was last changed at the rotation, or later.
                    ends_at: self.previous_app_secret_ends_at.unwrap_or(self.updated_at + PreviousSecret::LIFETIME),
                }),
                (None, None) => None,
                _ => return Err(StoreError::corrupt("meta_apps.previous_app_secret_sealed")),
            },
            verify_token: Sealed { key_id: self.verify_token_sealed_with, bytes: self.verify_token_sealed },
        })
    }
}
