use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::identity::{Identity, IdentityKey};
use crm::{Contact, ContactChange, ContactRepo, DeletedContact};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::ids::ContactId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::erasure;
use super::words::{consent, consent_key, identity_kind};
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{contact_identities, contact_merges, contacts};
use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

const LOCK: &str = "
SELECT id FROM contacts
 WHERE tenant_id = $1
   AND id = coalesce((SELECT into_id FROM contact_merges WHERE tenant_id = $1 AND contact_id = $2), $2)
   FOR NO KEY UPDATE";

const REVIEWED: &str = "
UPDATE contacts SET needs_review = false, version = version + 1, updated_at = $3 WHERE tenant_id = $1 AND id = $2";

/// A name is a user's; without one, the customer's profile will provide it.
const INSERT: &str = "
INSERT INTO contacts
  (tenant_id, id, display_name, name_source, attributes, language, marketing_consent, marketing_consent_at, needs_review,
   version, created_at, updated_at)
VALUES ($1, $2, $3, CASE WHEN $3 = '' THEN 'profile' ELSE 'user' END, $4, $5, $6,
        CASE WHEN $6 <> 'unknown' THEN $9 END, $7, $8, $9, $9)";

const UPDATE: &str = "
UPDATE contacts
   SET display_name = $3,
       name_source = CASE WHEN NOT $10 THEN name_source WHEN $3 = '' THEN 'profile' ELSE 'user' END,
       attributes = $4, language = $5, marketing_consent = $6,
       marketing_consent_at = CASE WHEN $11 THEN $9 ELSE marketing_consent_at END,
       needs_review = $7, version = $8, updated_at = $9
 WHERE tenant_id = $1 AND id = $2";

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
struct Row {
    id: Uuid,
    display_name: String,
    attributes: serde_json::Value,
    language: Option<String>,
    marketing_consent: String,
    needs_review: bool,
    version: i64,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contact_identities)]
struct IdentityRow {
    kind: String,
    scope: String,
    value: String,
    contact_id: Uuid,
    current: bool,
}

/// The parameters that inserting and updating share.
macro_rules! bind {
    ($text:expr, $tenant:expr, $contact:expr, $now:expr) => {
        sql($text)
            .bind::<types::Uuid, _>($tenant)
            .bind::<types::Uuid, _>($contact.id.as_uuid())
            .bind::<types::Text, _>($contact.display_name.clone())
            .bind::<types::Jsonb, _>(serde_json::Value::Object($contact.attributes.clone()))
            .bind::<Nullable<types::Text>, _>($contact.language.clone())
            .bind::<types::Text, _>(consent_key($contact.marketing_consent))
            .bind::<types::Bool, _>($contact.needs_review)
            .bind::<types::BigInt, _>($contact.version)
            .bind::<types::Timestamptz, _>($now)
    };
}

#[async_trait]
impl ContactRepo for Tx<Tenant> {
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError> {
        let mut query = contacts::table
            .filter(contacts::tenant_id.eq(self.tenant_id()))
            .order((contacts::created_at.desc(), contacts::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, contacts::created_at, contacts::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let contacts = self.with_identities(rows).await?;
        Ok(Page::of(contacts, page.limit, |contact| Cursor { time: contact.created_at, id: contact.id.as_uuid() }))
    }

    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let id = self.merged_into(id).await?;
        let row = contacts::table
            .filter(contacts::tenant_id.eq(self.tenant_id()))
            .filter(contacts::id.eq(id.as_uuid()))
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(self.with_identities(row).await?.pop())
    }

    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let tenant = self.tenant_id();
        let lock = || sql(LOCK).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(id.as_uuid());
        if self.execute(lock()).await? == 0 {
            // It may have been merged while this transaction waited: its id then refers to another contact.
            self.execute(lock()).await?;
        }
        self.contact(id).await
    }

    async fn mark_reviewed(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(REVIEWED)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn insert_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        self.execute(bind!(INSERT, tenant, contact, contact.created_at)).await?;
        Ok(())
    }

    async fn update_contact(
        &mut self,
        contact: &Contact,
        change: ContactChange,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = bind!(UPDATE, tenant, contact, now)
            .bind::<types::Bool, _>(change.renamed)
            .bind::<types::Bool, _>(change.consented);
        self.execute(statement).await?;
        Ok(())
    }

    async fn erase_contact(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<DeletedContact, StoreError> {
        erasure::erase(self, id, now).await
    }
}

impl Tx<Tenant> {
    /// The contacts with these ids, in their order.
    pub(super) async fn contacts_by_id(&mut self, ids: &[Uuid]) -> Result<Vec<Contact>, StoreError> {
        let rows: Vec<Row> = contacts::table
            .filter(contacts::tenant_id.eq(self.tenant_id()))
            .filter(contacts::id.eq_any(ids.to_vec()))
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        let mut contacts = self.with_identities(rows).await?;
        contacts.sort_by_key(|contact| ids.iter().position(|id| *id == contact.id.as_uuid()));
        Ok(contacts)
    }

    /// The contact into which this one was merged, else itself.
    async fn merged_into(&mut self, id: ContactId) -> Result<ContactId, StoreError> {
        let into: Option<Uuid> = contact_merges::table
            .filter(contact_merges::tenant_id.eq(self.tenant_id()))
            .filter(contact_merges::contact_id.eq(id.as_uuid()))
            .select(contact_merges::into_id)
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        Ok(into.map_or(id, ContactId::from_uuid))
    }

    async fn with_identities(&mut self, rows: Vec<Row>) -> Result<Vec<Contact>, StoreError> {
        let mut identities = self.identities_of(rows.iter().map(|row| row.id).collect()).await?;
        let contact = |row: Row| {
            let identities = identities.remove(&row.id).unwrap_or_default();
            row.into_contact(identities)
        };
        rows.into_iter().map(contact).collect()
    }

    async fn identities_of(&mut self, contacts: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<Identity>>, StoreError> {
        let rows: Vec<IdentityRow> = contact_identities::table
            .filter(contact_identities::tenant_id.eq(self.tenant_id()))
            .filter(contact_identities::contact_id.eq_any(contacts))
            .order((contact_identities::since, contact_identities::kind, contact_identities::value))
            .select(IdentityRow::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        let mut identities: HashMap<Uuid, Vec<Identity>> = HashMap::new();
        for row in rows {
            let key = IdentityKey { kind: identity_kind(&row.kind)?, scope: row.scope, value: row.value };
            identities.entry(row.contact_id).or_default().push(Identity { key, current: row.current });
        }
        Ok(identities)
    }
}

impl Row {
    fn into_contact(self, identities: Vec<Identity>) -> Result<Contact, StoreError> {
        let serde_json::Value::Object(attributes) = self.attributes else {
            return Err(StoreError::corrupt("contacts.attributes"));
        };
        Ok(Contact {
            id: ContactId::from_uuid(self.id),
            display_name: self.display_name,
            identities,
            attributes,
            language: self.language,
            marketing_consent: consent(&self.marketing_consent)?,
            needs_review: self.needs_review,
            version: self.version,
            created_at: self.created_at,
        })
    }
}
