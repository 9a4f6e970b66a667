use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use channels::{
    AccountCheck, AccountCredentials, AccountCredentialsDirectory, AccountCredentialsRepo, CheckedFacts, CheckedToken,
    SealedToken, SendingFacts, TokenCounts, WhatsAppAccount,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl,
    Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, TenantId};
use kernel::seal::Sealed;
use serde_json::Value;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::media;
use crate::outbound::pauses;
use crate::schema::account_credentials;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// What is known of an account's credentials; the platform role may read these columns.
#[derive(Queryable, Selectable)]
#[diesel(table_name = account_credentials)]
struct FactsRow {
    account_id: Uuid,
    access_token_sealed_with: Option<String>,
    token_expires_at: Option<DateTime<Utc>>,
    token_refusal: Option<String>,
    registered: Option<bool>,
    last_check: Option<Value>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = account_credentials)]
struct SecretsRow {
    access_token_sealed: Option<Vec<u8>>,
    access_token_sealed_with: Option<String>,
    access_token_set_at: Option<DateTime<Utc>>,
    two_step_pin_sealed: Option<Vec<u8>>,
    two_step_pin_sealed_with: Option<String>,
}

/// What Meta said; `None` stays as it is.
#[derive(AsChangeset, Default)]
#[diesel(table_name = account_credentials)]
#[expect(clippy::option_option, reason = "a column stays, becomes null, or gets a value")]
struct Facts {
    token_expires_at: Option<Option<DateTime<Utc>>>,
    token_refusal: Option<Option<String>>,
    registered: Option<bool>,
    last_check: Option<Value>,
}

/// What Meta said of another token is forgotten; a resealed token stays the same.
const SAVE: &str = "
INSERT INTO account_credentials AS c (tenant_id, account_id, access_token_sealed, access_token_sealed_with, access_token_set_at,
    two_step_pin_sealed, two_step_pin_sealed_with, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, account_id) DO UPDATE
   SET access_token_sealed = excluded.access_token_sealed,
       access_token_sealed_with = excluded.access_token_sealed_with,
       access_token_set_at = excluded.access_token_set_at,
       two_step_pin_sealed = excluded.two_step_pin_sealed,
       two_step_pin_sealed_with = excluded.two_step_pin_sealed_with,
       token_expires_at = CASE WHEN c.access_token_set_at = excluded.access_token_set_at THEN c.token_expires_at END,
       token_refusal = CASE WHEN c.access_token_set_at = excluded.access_token_set_at THEN c.token_refusal END,
       last_check = CASE WHEN c.access_token_set_at = excluded.access_token_set_at THEN c.last_check END,
       updated_at = excluded.updated_at";

const COUNT_TOKENS: &str = "
SELECT count(*) FILTER (WHERE token_refusal IS NULL AND token_expires_at < $1) AS ending,
       count(*) FILTER (WHERE token_refusal IS NOT NULL) AS refused
  FROM account_credentials";

#[derive(diesel::QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = types::BigInt)]
    ending: i64,
    #[diesel(sql_type = types::BigInt)]
    refused: i64,
}

#[async_trait]
impl AccountCredentialsRepo for Tx<Tenant> {
    async fn account_credentials(&mut self, id: AccountId) -> Result<Option<AccountCredentials>, StoreError> {
        let query = account_credentials::table.find((self.tenant_id(), id.as_uuid())).select(SecretsRow::as_select());
        let row: Option<SecretsRow> = query.first(self.connection()).await.optional().or_store_error()?;
        row.map(|row| row.into_credentials(id)).transpose()
    }

    async fn save_account_credentials(
        &mut self,
        credentials: &AccountCredentials,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (token, pin) = (credentials.access_token.as_ref(), credentials.two_step_pin.as_ref());
        let statement = sql(SAVE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(credentials.account.as_uuid())
            .bind::<Nullable<types::Binary>, _>(token.map(|token| token.sealed.bytes.as_slice()))
            .bind::<Nullable<types::Text>, _>(token.map(|token| token.sealed.key_id.as_str()))
            .bind::<Nullable<types::Timestamptz>, _>(token.map(|token| token.set_at))
            .bind::<Nullable<types::Binary>, _>(pin.map(|pin| pin.bytes.as_slice()))
            .bind::<Nullable<types::Text>, _>(pin.map(|pin| pin.key_id.as_str()))
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn delete_account_credentials(&mut self, id: AccountId) -> Result<(), StoreError> {
        diesel::delete(account_credentials::table.find((self.tenant_id(), id.as_uuid())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn save_account_check(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        check: &AccountCheck,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError> {
        let check = serde_json::to_value(check).map_err(|error| StoreError::Other(error.into()))?;
        let facts = Facts { last_check: Some(check), ..Facts::from(facts) };
        update_facts(self, id, token_set_at, facts).await
    }

    async fn record_account_facts(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError> {
        // An update without changes is no statement.
        if *facts == CheckedFacts::default() {
            return Ok(true);
        }
        update_facts(self, id, token_set_at, facts.into()).await
    }
}

async fn update_facts(
    tx: &mut Tx<Tenant>,
    id: AccountId,
    token_set_at: DateTime<Utc>,
    facts: Facts,
) -> Result<bool, StoreError> {
    let updated = diesel::update(account_credentials::table.find((tx.tenant_id(), id.as_uuid())))
        .filter(account_credentials::access_token_set_at.eq(token_set_at))
        .set(facts)
        .execute(tx.connection())
        .await
        .or_store_error()?;
    Ok(updated == 1)
}

#[async_trait]
impl AccountCredentialsDirectory for Tx<Platform> {
    async fn account_credentials_to_reseal(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, AccountId)>, StoreError> {
        let (token, pin) =
            (account_credentials::access_token_sealed_with, account_credentials::two_step_pin_sealed_with);
        let otherwise = token.is_not_null().and(token.assume_not_null().ne(key_id));
        let otherwise = otherwise.or(pin.is_not_null().and(pin.assume_not_null().ne(key_id)));
        let rows: Vec<(Uuid, Uuid)> = account_credentials::table
            .filter(otherwise)
            .order((account_credentials::tenant_id, account_credentials::account_id))
            .limit(limit)
            .select((account_credentials::tenant_id, account_credentials::account_id))
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(rows.into_iter().map(|(tenant, id)| (TenantId::from_uuid(tenant), AccountId::from_uuid(id))).collect())
    }

    async fn account_credentials_sealing_keys(&mut self) -> Result<Vec<String>, StoreError> {
        let ids = account_credentials::table
            .select((account_credentials::access_token_sealed_with, account_credentials::two_step_pin_sealed_with));
        let rows: Vec<(Option<String>, Option<String>)> =
            ids.distinct().load(self.connection()).await.or_store_error()?;
        let ids: BTreeSet<String> = rows.into_iter().flat_map(|(token, pin)| [token, pin]).flatten().collect();
        Ok(ids.into_iter().collect())
    }

    async fn count_tokens(&mut self, ending_before: DateTime<Utc>) -> Result<TokenCounts, StoreError> {
        let statement = sql(COUNT_TOKENS).bind::<types::Timestamptz, _>(ending_before);
        let counts: CountsRow = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(TokenCounts { ending: counts.ending, refused: counts.refused })
    }
}

/// Adds what is known of the credentials of accounts.
pub(super) async fn add_facts<Scope: Send>(
    tx: &mut Tx<Scope>,
    accounts: impl Iterator<Item = &mut WhatsAppAccount> + Send,
) -> Result<(), StoreError> {
    let mut accounts: HashMap<Uuid, &mut WhatsAppAccount> = accounts.map(|it| (it.id.as_uuid(), it)).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = accounts.keys().copied().collect();
    // Row level security limits it to the tenant of the transaction, if it has one.
    let query = account_credentials::table.filter(account_credentials::account_id.eq_any(ids));
    let rows: Vec<FactsRow> = query.select(FactsRow::as_select()).load(tx.connection()).await.or_store_error()?;
    for row in rows {
        if let Some(account) = accounts.get_mut(&row.account_id) {
            row.add_to(account)?;
        }
    }
    pauses::add_to_accounts(tx, &mut accounts).await?;
    media::add_to_accounts(tx, &mut accounts).await
}

impl From<&CheckedFacts> for Facts {
    fn from(facts: &CheckedFacts) -> Self {
        let (token_expires_at, token_refusal) = match &facts.token {
            None => (None, None),
            Some(CheckedToken::Usable { expires_at }) => (Some(*expires_at), Some(None)),
            Some(CheckedToken::Refused(reason)) => (None, Some(Some(reason.clone()))),
        };
        Self { token_expires_at, token_refusal, registered: facts.is_registered, ..Self::default() }
    }
}

impl FactsRow {
    fn add_to(self, account: &mut WhatsAppAccount) -> Result<(), StoreError> {
        account.sending = SendingFacts {
            has_token: self.access_token_sealed_with.is_some(),
            token_refusal: self.token_refusal,
            token_expires_at: self.token_expires_at,
            is_registered: self.registered,
            pauses: Vec::new(),
        };
        let check = self.last_check.map(serde_json::from_value).transpose();
        account.last_check = check.map_err(|_| StoreError::corrupt("account_credentials.last_check"))?;
        Ok(())
    }
}

impl SecretsRow {
    fn into_credentials(self, account: AccountId) -> Result<AccountCredentials, StoreError> {
        let sealed = |key_id: Option<String>, bytes: Option<Vec<u8>>| {
            key_id.zip(bytes).map(|(key_id, bytes)| Sealed { key_id, bytes })
        };
        let access_token =
            match (sealed(self.access_token_sealed_with, self.access_token_sealed), self.access_token_set_at) {
                (Some(sealed), Some(set_at)) => Some(SealedToken { sealed, set_at }),
                (None, None) => None,
                _ => return Err(StoreError::corrupt("account_credentials.access_token_sealed")),
            };
        let two_step_pin = sealed(self.two_step_pin_sealed_with, self.two_step_pin_sealed);
        Ok(AccountCredentials { account, access_token, two_step_pin })
    }
}
