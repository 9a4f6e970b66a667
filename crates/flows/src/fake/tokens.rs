use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{SessionId, UserId};
use kernel::seal::Sealed;
use kernel::{Page, PageRequest, StoreError};
use tokens::{
    ClientTag, KeyState, RefreshTokenHash, Session, SessionRepo, SigningKey, SigningKeyRepo, StoredRefreshToken,
    TokenLock,
};
use uuid::Uuid;

use super::FakeStore;

#[async_trait]
impl SessionRepo for FakeStore {
    async fn start_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError> {
        self.sessions.push((session.clone(), None));
        self.add_token(token, session);
        Ok(())
    }

    async fn end_oldest_sessions(
        &mut self,
        user: UserId,
        keep: u16,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let active: Vec<SessionId> = self.active_sessions(user, now).iter().map(|session| session.id).collect();
        let ended = active.len().saturating_sub(keep.into());
        for id in &active[..ended] {
            self.end_session(user, *id, now).await?;
        }
        Ok(active[..ended].to_vec())
    }

    async fn sessions(
        &mut self,
        user: UserId,
        _: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<Session>, StoreError> {
        let newest_first = self.active_sessions(user, now).into_iter().rev();
        Ok(Page::whole(newest_first.collect()))
    }

    async fn session_addresses(&mut self, user: UserId) -> Result<Vec<IpAddr>, StoreError> {
        let of_user = self.sessions.iter().filter(|(session, _)| session.user == user);
        Ok(of_user.filter_map(|(session, _)| session.client.address).collect())
    }

    async fn end_session(&mut self, user: UserId, id: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let active = self.active_sessions(user, now).iter().any(|session| session.id == id);
        for (_, ended_at) in self.sessions.iter_mut().filter(|(session, _)| active && session.id == id) {
            *ended_at = Some(now);
        }
        Ok(active)
    }

    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let mut ended = self.active_sessions(user, now);
        ended.retain(|session| Some(session.id) != except);
        for session in &ended {
            self.end_session(user, session.id, now).await?;
        }
        Ok(ended.len())
    }

    async fn lock_refresh_token(&mut self, hash: &RefreshTokenHash) -> Result<TokenLock, StoreError> {
        if self.refresh_token_is_locked {
            return Ok(TokenLock::Contended);
        }
        let Some((_, token)) = self.refresh_tokens.iter().find(|(stored, _)| stored == hash) else {
            return Ok(TokenLock::UnknownToken);
        };
        let found = self.sessions.iter().find(|(session, _)| session.id == token.session.id);
        let (session, ended_at) = found.expect("a refresh token has a session").clone();
        Ok(TokenLock::Acquired(Box::new(StoredRefreshToken { session, ended_at, ..token.clone() })))
    }

    async fn consume_refresh_token(
        &mut self,
        hash: &RefreshTokenHash,
        client: Option<&ClientTag>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let token = self.token(hash);
        let unused = token.used_at.is_none();
        token.used_by = token.used_by.take().or(client.cloned());
        token.used_at.get_or_insert(now);
        Ok(unused)
    }

    async fn refresh_session(
        &mut self,
        refreshed: &Session,
        next: &RefreshTokenHash,
        access_token: Uuid,
    ) -> Result<bool, StoreError> {
        let found =
            self.sessions.iter_mut().find(|(session, ended_at)| session.id == refreshed.id && ended_at.is_none());
        let Some((session, _)) = found else { return Ok(false) };
        *session = refreshed.clone();
        for (_, token) in self.refresh_tokens.iter_mut().filter(|(_, token)| token.session.id == refreshed.id) {
            token.unconfirmed = Some(access_token);
        }
        self.add_token(next, refreshed);
        Ok(true)
    }

    async fn record_concurrent_refresh(&mut self, hash: &RefreshTokenHash) -> Result<(), StoreError> {
        self.token(hash).overlapped = true;
        Ok(())
    }

    async fn record_refresh_response(&mut self, hash: &RefreshTokenHash, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.token(hash).answered_at = Some(now);
        Ok(())
    }

    async fn is_signing_key_active(&mut self, kid: &str) -> Result<bool, StoreError> {
        Ok(self.signing_keys.iter().any(|key| key.kid == kid && key.state == KeyState::Active))
    }
}

impl FakeStore {
    /// Oldest first.
    pub(crate) fn active_sessions(&self, user: UserId, now: DateTime<Utc>) -> Vec<Session> {
        let of_user = self.sessions.iter().filter(|(session, _)| session.user == user);
        let active = of_user.filter(|(session, ended_at)| ended_at.is_none() && session.is_unexpired(now));
        active.map(|(session, _)| session.clone()).collect()
    }

    pub(crate) fn token(&mut self, hash: &RefreshTokenHash) -> &mut StoredRefreshToken {
        let (_, token) = self.refresh_tokens.iter_mut().find(|(stored, _)| stored == hash).expect("a stored token");
        token
    }

    fn add_token(&mut self, hash: &RefreshTokenHash, session: &Session) {
        let token = StoredRefreshToken {
            session: session.clone(),
            ended_at: None,
            used_at: None,
            answered_at: None,
            overlapped: false,
            confirmed: false,
            unconfirmed: None,
            used_by: None,
        };
        self.refresh_tokens.push((hash.clone(), token));
    }
}

#[async_trait]
impl SigningKeyRepo for FakeStore {
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        Ok(self.signing_keys.clone())
    }

    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        self.signing_keys.push(key.clone());
        Ok(())
    }

    async fn change_signing_key(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(key) = self.signing_keys.iter_mut().find(|key| key.kid == kid && key.state == from) else {
            return Ok(false);
        };
        (key.state, key.since) = (to, now);
        Ok(true)
    }

    async fn reseal_signing_key(&mut self, kid: &str, private: &Sealed) -> Result<(), StoreError> {
        for key in self.signing_keys.iter_mut().filter(|key| key.kid == kid) {
            let SigningKey { kid, state, public_x, created_at, since, .. } = key.clone();
            *key = SigningKey::from_stored(kid, state, public_x, private.clone(), created_at, since);
        }
        Ok(())
    }
}
