//! Pairs of user id and number that belong to one person, before either resolves to a contact.

use chrono::{DateTime, Utc};
use crm::identity::{IdentityKey, IdentityKind, Person};
use diesel_async::RunQueryDsl;
use kernel::StoreError;

use crate::crm::identity_keys::columns;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const LOAD: &str = "
SELECT s.scope, s.bsuid, s.phone, s.seen_at FROM identity_sightings s
  JOIN unnest($2, $3, $4) AS keys (kind, scope, value)
    ON keys.kind = 'bsuid' AND keys.scope = s.scope AND keys.value = s.bsuid
 WHERE s.tenant_id = $1
 UNION
SELECT s.scope, s.bsuid, s.phone, s.seen_at FROM identity_sightings s
  JOIN unnest($2, $3, $4) AS keys (kind, scope, value) ON keys.kind = 'phone' AND keys.value = s.phone
 WHERE s.tenant_id = $1
 ORDER BY seen_at, bsuid, phone";

const STORE: &str = "
INSERT INTO identity_sightings AS known (tenant_id, scope, bsuid, phone, seen_at, created_at)
SELECT $1, scope, bsuid, phone, max(seen_at), $2 FROM unnest($3, $4, $5, $6) AS new (scope, bsuid, phone, seen_at)
 GROUP BY scope, bsuid, phone
 ORDER BY scope, bsuid, phone
    ON CONFLICT (tenant_id, scope, bsuid, phone) DO UPDATE
   SET seen_at = greatest(known.seen_at, excluded.seen_at), created_at = excluded.created_at";

const DELETE: &str = "
DELETE FROM identity_sightings s USING unnest($2, $3, $4) AS found (scope, bsuid, phone)
 WHERE s.tenant_id = $1 AND s.scope = found.scope AND s.bsuid = found.bsuid AND s.phone = found.phone";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    scope: String,
    #[diesel(sql_type = types::Text)]
    bsuid: String,
    #[diesel(sql_type = types::Text)]
    phone: String,
    #[diesel(sql_type = types::Timestamptz)]
    seen_at: DateTime<Utc>,
}

/// Scopes, user ids, numbers, and the times at which they were seen together.
type Pairs<'p> = (Vec<&'p str>, Vec<&'p str>, Vec<&'p str>, Vec<DateTime<Utc>>);

pub(super) async fn load(tx: &mut Tx<Tenant>, keys: &[IdentityKey]) -> Result<Vec<Person>, StoreError> {
    let tenant = tx.tenant_id();
    let (kinds, scopes, values) = columns(keys);
    let statement = Prepared(
        sql(LOAD)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values),
    );
    let rows: Vec<Row> = statement.load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(Row::into_person).collect())
}

pub(super) async fn store(tx: &mut Tx<Tenant>, sightings: &[Person], now: DateTime<Utc>) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let (scopes, bsuids, phones, times) = pairs(sightings);
    let statement = sql(STORE)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Texts, _>(scopes)
        .bind::<types::Texts, _>(bsuids)
        .bind::<types::Texts, _>(phones)
        .bind::<types::Times, _>(times);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<Tenant>, sightings: &[Person]) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let (scopes, bsuids, phones, _) = pairs(sightings);
    let statement = sql(DELETE)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Texts, _>(scopes)
        .bind::<types::Texts, _>(bsuids)
        .bind::<types::Texts, _>(phones);
    tx.execute(statement).await?;
    Ok(())
}

fn pairs(sightings: &[Person]) -> Pairs<'_> {
    let mut pairs = Pairs::default();
    for person in sightings {
        let (Some(bsuid), [phone, ..]) = (&person.bsuid, person.phones.as_slice()) else { continue };
        pairs.0.push(&bsuid.scope);
        pairs.1.push(&bsuid.value);
        pairs.2.push(&phone.value);
        pairs.3.push(person.seen_at);
    }
    pairs
}

impl Row {
    fn into_person(self) -> Person {
        let phone = IdentityKey { kind: IdentityKind::Phone, scope: String::new(), value: self.phone };
        Person {
            bsuid: Some(IdentityKey::bsuid(&self.scope, &self.bsuid)),
            phones: vec![phone],
            ..Person::unknown(self.seen_at)
        }
    }
}
