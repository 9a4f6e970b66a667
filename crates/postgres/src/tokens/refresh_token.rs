use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use tokens::{ClientTag, RefreshTokenHash, Session, StoredRefreshToken, TokenLock};
use uuid::Uuid;

use super::session;
use crate::error::OrStoreError;
use crate::schema::refresh_tokens;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// SKIP LOCKED: a concurrent second request does not wait for the first one, as it is rejected in any case.
const LOCK_REFRESH_TOKEN: &str = "
SELECT t.used_at, t.answered_at, s.revoked_at, s.unconfirmed IS NULL AS confirmed, s.unconfirmed, t.used_by,
       EXISTS (SELECT FROM refresh_overlaps o WHERE o.tenant_id = t.tenant_id AND o.token_hash = t.token_hash) AS overlapped,
       s.id, s.user_id, s.address, s.user_agent, s.created_at, s.last_seen_at,
       s.idle_expires_at, s.expires_at
  FROM refresh_tokens t JOIN sessions s ON s.tenant_id = t.tenant_id AND s.id = t.session_id
 WHERE t.tenant_id = $1 AND t.token_hash = $2
   FOR UPDATE OF t SKIP LOCKED";

const MARK_OVERLAPPED: &str = "
WITH found AS (
  SELECT tenant_id, token_hash, session_id FROM refresh_tokens WHERE tenant_id = $1 AND token_hash = $2
), marked AS (
  INSERT INTO refresh_overlaps (tenant_id, token_hash, session_id)
  SELECT tenant_id, token_hash, session_id FROM found ON CONFLICT DO NOTHING
)
SELECT count(*) AS count FROM found";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    used_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    answered_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    revoked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Bool)]
    confirmed: bool,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    unconfirmed: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Binary>)]
    used_by: Option<Vec<u8>>,
    #[diesel(sql_type = types::Bool)]
    overlapped: bool,
    #[diesel(embed)]
    session: session::Row,
}

impl Tx<Tenant> {
    pub(super) async fn insert_refresh_token(
        &mut self,
        session: &Session,
        token: &RefreshTokenHash,
    ) -> Result<(), StoreError> {
        diesel::insert_into(refresh_tokens::table)
            .values((
                refresh_tokens::tenant_id.eq(self.tenant_id()),
                refresh_tokens::token_hash.eq(token.as_bytes()),
                refresh_tokens::session_id.eq(session.id.as_uuid()),
                refresh_tokens::created_at.eq(session.last_seen_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    pub(super) async fn lock_token(&mut self, token: &RefreshTokenHash) -> Result<TokenLock, StoreError> {
        let statement =
            sql(LOCK_REFRESH_TOKEN).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Binary, _>(token.as_bytes());
        let row: Option<Row> = Prepared(statement).get_result(self.connection()).await.optional().or_store_error()?;
        if let Some(row) = row {
            return Ok(TokenLock::Acquired(Box::new(row.into_token())));
        }
        Ok(if self.mark_overlapped(token).await? { TokenLock::Contended } else { TokenLock::UnknownToken })
    }

    /// Returns whether the token exists.
    pub(super) async fn mark_overlapped(&mut self, token: &RefreshTokenHash) -> Result<bool, StoreError> {
        let statement =
            sql(MARK_OVERLAPPED).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Binary, _>(token.as_bytes());
        let row: Count = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(row.count > 0)
    }

    pub(super) async fn mark_used(
        &mut self,
        token: &RefreshTokenHash,
        client: Option<&ClientTag>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let unused =
            refresh_tokens::table.find((self.tenant_id(), token.as_bytes())).filter(refresh_tokens::used_at.is_null());
        let used = diesel::update(unused)
            .set((refresh_tokens::used_at.eq(Some(now)), refresh_tokens::used_by.eq(client.map(ClientTag::as_bytes))))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(used == 1)
    }

    pub(super) async fn mark_answered(
        &mut self,
        token: &RefreshTokenHash,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        diesel::update(
            refresh_tokens::table
                .find((self.tenant_id(), token.as_bytes()))
                .filter(refresh_tokens::answered_at.is_null()),
        )
        .set(refresh_tokens::answered_at.eq(Some(now)))
        .execute(self.connection())
        .await
        .or_store_error()?;
        Ok(())
    }
}

impl Row {
    fn into_token(self) -> StoredRefreshToken {
        StoredRefreshToken {
            session: self.session.into_session(),
            ended_at: self.revoked_at,
            used_at: self.used_at,
            answered_at: self.answered_at,
            overlapped: self.overlapped,
            confirmed: self.confirmed,
            unconfirmed: self.unconfirmed,
            used_by: self.used_by.map(ClientTag::from_bytes),
        }
    }
}
