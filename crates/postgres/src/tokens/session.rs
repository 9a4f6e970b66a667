use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{SessionId, UserId};
use tokens::{RefreshTokenHash, Session, SessionRepo};

use crate::error::OrStoreError;
use crate::schema::{refresh_tokens, sessions};
use crate::transaction::{Tenant, Tx};

#[async_trait]
impl SessionRepo for Tx<Tenant> {
    async fn insert_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError> {
        diesel::insert_into(sessions::table)
            .values((
                sessions::tenant_id.eq(self.tenant_id()),
                sessions::id.eq(session.id.as_uuid()),
                sessions::user_id.eq(session.user.as_uuid()),
                sessions::address.eq(session.client.address.map(|address| address.to_string())),
                sessions::user_agent.eq(session.client.user_agent.as_deref()),
                sessions::created_at.eq(session.created_at),
                sessions::last_seen_at.eq(session.created_at),
                sessions::idle_expires_at.eq(session.idle_expires_at),
                sessions::expires_at.eq(session.expires_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        diesel::insert_into(refresh_tokens::table)
            .values((
                refresh_tokens::tenant_id.eq(self.tenant_id()),
                refresh_tokens::token_hash.eq(token.as_bytes()),
                refresh_tokens::session_id.eq(session.id.as_uuid()),
                refresh_tokens::created_at.eq(session.created_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let live = sessions::table
            .filter(sessions::tenant_id.eq(self.tenant_id()))
            .filter(sessions::user_id.eq(user.as_uuid()))
            .filter(sessions::revoked_at.is_null());
        let ended = sessions::revoked_at.eq(Some(now));
        let ended = match except {
            None => diesel::update(live).set(ended).execute(self.connection()).await,
            Some(session) => {
                let others = live.filter(sessions::id.ne(session.as_uuid()));
                diesel::update(others).set(ended).execute(self.connection()).await
            }
        };
        ended.or_store_error()
    }
}
