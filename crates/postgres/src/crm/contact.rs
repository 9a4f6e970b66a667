use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::identity::{Identity, NewContact, PhoneCountry};
use crm::{BusinessNumberRepo, Contact, ContactRepo, DeletedContact, FieldsSetByUser, MarketingConsent};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::ContactId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::{erasure, identity_keys};
use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{contact_identities, contact_merges, contacts, whatsapp_accounts};
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const LOCK_CONTACT: &str = "
SELECT id FROM contacts
 WHERE tenant_id = $1
   AND id = coalesce((SELECT into_id FROM contact_merges WHERE tenant_id = $1 AND contact_id = $2), $2)
   FOR NO KEY UPDATE";

const CONTACT_IDS: &str = "
SELECT w.id AS wanted, k.id
  FROM unnest($2) AS w (id)
  LEFT JOIN contact_merges m ON m.tenant_id = $1 AND m.contact_id = w.id
  JOIN contacts k ON k.tenant_id = $1 AND k.id = coalesce(m.into_id, w.id) AND k.removed_at IS NULL";

/// Contacts made from events: columns that are not named have the defaults of the table.
const INSERT_CONTACTS: &str = "
INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at)
SELECT $1, id, display_name, $4, $4 FROM unnest($2, $3) AS new (id, display_name)";

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

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = types::Uuid)]
    wanted: Uuid,
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
}

#[derive(Insertable)]
#[diesel(table_name = contacts)]
struct NewRow<'c> {
    tenant_id: Uuid,
    id: Uuid,
    display_name: &'c str,
    name_source: &'static str,
    attributes: serde_json::Value,
    language: Option<&'c str>,
    marketing_consent: &'static str,
    marketing_consent_at: Option<DateTime<Utc>>,
    needs_review: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The columns that a user changes. Those of a field that is `None` keep their value.
#[derive(AsChangeset)]
#[diesel(table_name = contacts)]
struct UpdateRow<'c> {
    display_name: &'c str,
    name_source: Option<&'static str>,
    attributes: serde_json::Value,
    /// The inner `None` is null.
    language: Option<Option<&'c str>>,
    marketing_consent: &'static str,
    marketing_consent_at: Option<DateTime<Utc>>,
    needs_review: bool,
    version: i64,
    updated_at: DateTime<Utc>,
}

#[async_trait]
impl BusinessNumberRepo for Tx<Tenant> {
    async fn phone_countries(&mut self) -> Result<Vec<PhoneCountry>, StoreError> {
        let numbers: Vec<Option<String>> = whatsapp_accounts::table
            .filter(whatsapp_accounts::tenant_id.eq(self.tenant_id()))
            .filter(whatsapp_accounts::display_phone_number.is_not_null())
            .select(whatsapp_accounts::display_phone_number)
            .load(self.connection())
            .await
            .or_store_error()?;
        let mut countries = Vec::new();
        for country in numbers.iter().flatten().filter_map(|number| PhoneCountry::of_number(number)) {
            if !countries.contains(&country) {
                countries.push(country);
            }
        }
        Ok(countries)
    }
}

#[async_trait]
impl ContactRepo for Tx<Tenant> {
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError> {
        let mut query = contacts::table
            .filter(contacts::tenant_id.eq(self.tenant_id()))
            .filter(contacts::removed_at.is_null())
            .order((contacts::created_at.desc(), contacts::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, contacts::created_at, contacts::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let contacts = self.with_identities(rows).await?;
        Ok(Page::of(contacts, page.limit, |contact| Cursor::new(contact.created_at, contact.id.as_uuid())))
    }

    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let id = self.merged_into(id).await?;
        let row = contacts::table
            .filter(contacts::tenant_id.eq(self.tenant_id()))
            .filter(contacts::id.eq(id.as_uuid()))
            .filter(contacts::removed_at.is_null())
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(self.with_identities(row).await?.pop())
    }

    async fn contact_ids(&mut self, ids: &[ContactId]) -> Result<HashMap<ContactId, ContactId>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let statement = sql(CONTACT_IDS)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>());
        let rows: Vec<IdRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| (ContactId::from_uuid(row.wanted), ContactId::from_uuid(row.id))).collect())
    }

    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let tenant = self.tenant_id();
        let lock = || sql(LOCK_CONTACT).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(id.as_uuid());
        if self.execute(lock()).await? == 0 {
            // It may have been merged while this transaction waited: its id then refers to another contact.
            self.execute(lock()).await?;
        }
        self.contact(id).await
    }

    async fn mark_reviewed(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(tenant))
            .filter(contacts::id.eq(id.as_uuid()))
            .set((
                contacts::needs_review.eq(false),
                contacts::version.eq(contacts::version + 1),
                contacts::updated_at.eq(now),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn insert_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        diesel::insert_into(contacts::table)
            .values(NewRow::new(tenant, contact))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn update_contact(
        &mut self,
        contact: &Contact,
        set_by_user: FieldsSetByUser,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(tenant))
            .filter(contacts::id.eq(contact.id.as_uuid()))
            .set(UpdateRow::new(contact, set_by_user, now))
            .execute(self.connection())
            .await
            .or_store_error()?;
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
            .filter(contacts::removed_at.is_null())
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

    /// Who contacts are, from their names and, if they have none, their identities.
    pub(super) async fn titles<'n>(
        &mut self,
        contacts: impl Iterator<Item = (Uuid, &'n str)> + Clone,
    ) -> Result<Vec<String>, StoreError> {
        let unnamed: Vec<Uuid> =
            contacts.clone().filter(|(_, name)| name.trim().is_empty()).map(|(id, _)| id).collect();
        let identities = if unnamed.is_empty() { HashMap::new() } else { self.identities_of(unnamed).await? };
        let title = |(id, name): (Uuid, &str)| crm::title(name, identities.get(&id).map_or(&[], Vec::as_slice));
        Ok(contacts.map(title).collect())
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
            let key = identity_keys::from_columns(&row.kind, row.scope, row.value)?;
            identities.entry(row.contact_id).or_default().push(Identity { key, current: row.current });
        }
        Ok(identities)
    }
}

/// Stores contacts made from events.
pub(super) async fn insert_contacts(
    tx: &mut Tx<Tenant>,
    contacts: &[NewContact],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let statement = sql(INSERT_CONTACTS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(contacts.iter().map(|new| new.id.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(contacts.iter().map(|new| new.display_name.as_str()).collect::<Vec<_>>())
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
}

/// A name is a user's; without one, the customer's profile will provide it.
const fn name_source(display_name: &str) -> &'static str {
    if display_name.is_empty() { "profile" } else { "user" }
}

impl<'c> NewRow<'c> {
    fn new(tenant_id: Uuid, contact: &'c Contact) -> Self {
        // All fields by name: a new one cannot be forgotten.
        let Contact {
            id,
            display_name,
            identities: _,
            attributes,
            language,
            marketing_consent,
            needs_review,
            version,
            created_at,
        } = contact;
        let has_consent = *marketing_consent != MarketingConsent::Unknown;
        Self {
            tenant_id,
            id: id.as_uuid(),
            display_name,
            name_source: name_source(display_name),
            attributes: serde_json::Value::Object(attributes.clone()),
            language: language.as_deref(),
            marketing_consent: marketing_consent.into_str(),
            marketing_consent_at: has_consent.then_some(*created_at),
            needs_review: *needs_review,
            version: *version,
            created_at: *created_at,
            updated_at: *created_at,
        }
    }
}

impl<'c> UpdateRow<'c> {
    fn new(contact: &'c Contact, set_by_user: FieldsSetByUser, now: DateTime<Utc>) -> Self {
        // All fields by name: a new one cannot be forgotten.
        let Contact {
            id: _,
            display_name,
            identities: _,
            attributes,
            language,
            marketing_consent,
            needs_review,
            version,
            created_at: _,
        } = contact;
        Self {
            display_name,
            name_source: set_by_user.display_name.then(|| name_source(display_name)),
            attributes: serde_json::Value::Object(attributes.clone()),
            language: Some(language.as_deref()),
            marketing_consent: marketing_consent.into_str(),
            marketing_consent_at: set_by_user.marketing_consent.then_some(now),
            needs_review: *needs_review,
            version: *version,
            updated_at: now,
        }
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
            marketing_consent: closed_set::parse(&self.marketing_consent, "contacts.marketing_consent")?,
            needs_review: self.needs_review,
            version: self.version,
            created_at: self.created_at,
        })
    }
}
