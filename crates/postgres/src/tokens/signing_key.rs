use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::seal::Sealed;
use tokens::{KeyState, SigningKey, SigningKeyRepo};

use crate::error::OrStoreError;
use crate::schema::signing_keys;
use crate::sql::sql;
use crate::transaction::{Platform, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = signing_keys)]
struct Row {
    kid: String,
    state: String,
    public_x: String,
    private_sealed: Vec<u8>,
    sealed_with: String,
    created_at: DateTime<Utc>,
    since: DateTime<Utc>,
}

#[async_trait]
impl SigningKeyRepo for Tx<Platform> {
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError> {
        self.execute(sql("SELECT pg_advisory_xact_lock(hashtext('parley.signing_keys'))")).await?;
        Ok(())
    }

    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let rows: Vec<Row> = signing_keys::table
            .order((signing_keys::created_at, signing_keys::kid))
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        rows.into_iter().map(Row::into_key).collect()
    }

    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        let sealed = key.sealed_private_key();
        diesel::insert_into(signing_keys::table)
            .values((
                signing_keys::kid.eq(&key.kid),
                signing_keys::state.eq(key.state.into_str()),
                signing_keys::public_x.eq(&key.public_x),
                signing_keys::private_sealed.eq(&sealed.bytes),
                signing_keys::sealed_with.eq(&sealed.key_id),
                signing_keys::created_at.eq(key.created_at),
                signing_keys::since.eq(key.since),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn change_signing_key(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let key = signing_keys::table.find(kid).filter(signing_keys::state.eq(from.into_str()));
        let changed = (signing_keys::state.eq(to.into_str()), signing_keys::since.eq(now));
        let changed = if to.is_accepted() {
            diesel::update(key).set(changed).execute(self.connection()).await
        } else {
            let forgotten = signing_keys::private_sealed.eq(Vec::<u8>::new());
            diesel::update(key).set((changed, forgotten)).execute(self.connection()).await
        };
        Ok(changed.or_store_error()? == 1)
    }

    async fn reseal_signing_key(&mut self, kid: &str, private: &Sealed) -> Result<(), StoreError> {
        diesel::update(signing_keys::table.find(kid))
            .set((signing_keys::private_sealed.eq(&private.bytes), signing_keys::sealed_with.eq(&private.key_id)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

impl Row {
    fn into_key(self) -> Result<SigningKey, StoreError> {
        let state = self.state.parse().map_err(|_| StoreError::corrupt("signing_keys.state"))?;
        let private = Sealed { key_id: self.sealed_with, bytes: self.private_sealed };
        Ok(SigningKey::from_stored(self.kid, state, self.public_x, private, self.created_at, self.since))
    }
}
