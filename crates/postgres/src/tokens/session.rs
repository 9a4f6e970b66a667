use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::ids::{SessionId, UserId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use tokens::{ClientTag, RefreshTokenHash, Session, SessionClient, SessionHousekeeping, SessionRepo, TokenLock};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::sessions;
use crate::sql::{BoxedSql, Count, Id, Prepared, boxed_sql, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct Row {
    id: Uuid,
    user_id: Uuid,
    address: Option<String>,
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    idle_expires_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

const START_SESSION: &str = "
WITH started AS (
  INSERT INTO sessions
    (tenant_id, id, user_id, address, user_agent, created_at, last_seen_at, idle_expires_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
)
INSERT INTO refresh_tokens (tenant_id, token_hash, session_id, created_at) VALUES ($1, $9, $2, $6)";

const END_OLDEST_SESSIONS: &str = "
UPDATE sessions SET revoked_at = $3
 WHERE tenant_id = $1 AND revoked_at IS NULL AND id IN (
   SELECT id FROM sessions
    WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND idle_expires_at > $3 AND expires_at > $3
    ORDER BY created_at DESC, id DESC OFFSET $4)
RETURNING id";

/// Of the newest sessions: a user has few addresses, but may have many sessions.
const SESSION_ADDRESSES: &str = "
SELECT DISTINCT address FROM (
  SELECT address FROM sessions WHERE tenant_id = $1 AND user_id = $2
   ORDER BY created_at DESC, id DESC LIMIT 1000) AS newest
 WHERE address IS NOT NULL";

/// Binds the values of a session and its first token, in the order of [`START_SESSION`] and of `app.start_session_with_mac`.
pub(crate) fn bind_session<'a>(
    statement: BoxedSql<'a>,
    session: &'a Session,
    token: &'a RefreshTokenHash,
) -> BoxedSql<'a> {
    statement
        .bind::<types::Uuid, _>(session.id.as_uuid())
        .bind::<types::Uuid, _>(session.user.as_uuid())
        .bind::<Nullable<types::Text>, _>(session.client.address.map(|address| address.to_string()))
        .bind::<Nullable<types::Text>, _>(session.client.user_agent.as_deref())
        .bind::<types::Timestamptz, _>(session.created_at)
        .bind::<types::Timestamptz, _>(session.idle_expires_at)
        .bind::<types::Timestamptz, _>(session.expires_at)
        .bind::<types::Binary, _>(token.as_bytes())
}

/// The active sessions of a user.
#[diesel::dsl::auto_type]
fn active_sessions(tenant: Uuid, user: Uuid, now: DateTime<Utc>) -> _ {
    sessions::table
        .filter(sessions::tenant_id.eq(tenant))
        .filter(sessions::user_id.eq(user))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::idle_expires_at.gt(now))
        .filter(sessions::expires_at.gt(now))
}

#[derive(QueryableByName)]
struct Address {
    #[diesel(sql_type = types::Text)]
    address: String,
}

#[derive(QueryableByName)]
struct Active {
    #[diesel(sql_type = types::Bool)]
    active: bool,
}

#[async_trait]
impl SessionRepo for Tx<Tenant> {
    async fn start_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError> {
        let statement = bind_session(boxed_sql(START_SESSION).bind::<types::Uuid, _>(self.tenant_id()), session, token);
        self.execute(statement).await?;
        Ok(())
    }

    async fn end_oldest_sessions(
        &mut self,
        user: UserId,
        keep: u16,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let statement = sql(END_OLDEST_SESSIONS)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(user.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::BigInt, _>(i64::from(keep));
        let ended: Vec<Id> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(ended.into_iter().map(|Id { id }| SessionId::from_uuid(id)).collect())
    }

    async fn sessions(
        &mut self,
        user: UserId,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<Session>, StoreError> {
        let mut query = active_sessions(self.tenant_id(), user.as_uuid(), now)
            .order((sessions::created_at.desc(), sessions::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, sessions::created_at, sessions::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let sessions = rows.into_iter().map(Row::into_session).collect();
        Ok(Page::of(sessions, page.limit, |session| Cursor::new(session.created_at, session.id.as_uuid())))
    }

    async fn session_addresses(&mut self, user: UserId) -> Result<Vec<IpAddr>, StoreError> {
        let statement =
            sql(SESSION_ADDRESSES).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(user.as_uuid());
        let rows: Vec<Address> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.iter().filter_map(|row| row.address.parse().ok()).collect())
    }

    async fn end_session(&mut self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let ended = diesel::update(
            active_sessions(self.tenant_id(), user.as_uuid(), now).filter(sessions::id.eq(session.as_uuid())),
        )
        .set(sessions::revoked_at.eq(Some(now)))
        .execute(self.connection())
        .await
        .or_store_error()?;
        Ok(ended == 1)
    }

    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let ended = sessions::revoked_at.eq(Some(now));
        let ended = match except {
            None => {
                diesel::update(active_sessions(self.tenant_id(), user.as_uuid(), now))
                    .set(ended)
                    .execute(self.connection())
                    .await
            }
            Some(session) => {
                let others =
                    active_sessions(self.tenant_id(), user.as_uuid(), now).filter(sessions::id.ne(session.as_uuid()));
                diesel::update(others).set(ended).execute(self.connection()).await
            }
        };
        ended.or_store_error()
    }

    async fn lock_refresh_token(&mut self, token: &RefreshTokenHash) -> Result<TokenLock, StoreError> {
        self.lock_token(token).await
    }

    async fn consume_refresh_token(
        &mut self,
        token: &RefreshTokenHash,
        client: Option<&ClientTag>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.mark_used(token, client, now).await
    }

    async fn refresh_session(
        &mut self,
        session: &Session,
        next: &RefreshTokenHash,
        access_token: Uuid,
    ) -> Result<bool, StoreError> {
        let active = active_sessions(self.tenant_id(), session.user.as_uuid(), session.last_seen_at)
            .filter(sessions::id.eq(session.id.as_uuid()));
        let refreshed = diesel::update(active)
            .set((
                sessions::last_seen_at.eq(session.last_seen_at),
                sessions::idle_expires_at.eq(session.idle_expires_at),
                sessions::unconfirmed.eq(Some(access_token)),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        if refreshed == 0 {
            return Ok(false);
        }
        self.insert_refresh_token(session, next).await?;
        Ok(true)
    }

    async fn record_concurrent_refresh(&mut self, token: &RefreshTokenHash) -> Result<(), StoreError> {
        self.mark_overlapped(token).await.map(drop)
    }

    async fn record_refresh_response(
        &mut self,
        token: &RefreshTokenHash,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.mark_answered(token, now).await
    }

    async fn is_signing_key_active(&mut self, kid: &str) -> Result<bool, StoreError> {
        let statement = sql("SELECT app.signing_key_is_active($1) AS active").bind::<types::Text, _>(kid);
        let row: Active = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(row.active)
    }
}

#[async_trait]
impl SessionHousekeeping for Tx<Platform> {
    async fn purge_sessions(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let statement = sql("SELECT app.purge_sessions($1, $2) AS count")
            .bind::<types::Timestamptz, _>(ended_before)
            .bind::<types::BigInt, _>(limit);
        let row: Count = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        usize::try_from(row.count).map_err(|_| StoreError::corrupt("app.purge_sessions"))
    }
}

impl Row {
    pub(super) fn into_session(self) -> Session {
        Session {
            id: SessionId::from_uuid(self.id),
            user: UserId::from_uuid(self.user_id),
            client: SessionClient {
                address: self.address.and_then(|address| address.parse().ok()),
                user_agent: self.user_agent,
            },
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            idle_expires_at: self.idle_expires_at,
            expires_at: self.expires_at,
        }
    }
}
