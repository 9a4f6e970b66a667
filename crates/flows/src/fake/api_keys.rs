use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ApiKeyId, RoleId, UserId};
use kernel::{Page, PageRequest, Permission, StoreError, SystemEntropy};
use rbac::{Role, RoleKey, RoleName};
use tokens::{ApiKey, ApiKeyHash, ApiKeyName, ApiKeyRepo, ApiKeySecret, ApiKeyState, Networks};

use super::{FakeStore, at, origin, run};
use crate::{CreateApiKeyError, NewApiKey, create_api_key};

/// Keys with their current hash and the one before.
pub(crate) type FakeApiKeys = Vec<(ApiKey, ApiKeyHash, Option<ApiKeyHash>)>;

#[async_trait]
impl ApiKeyRepo for FakeStore {
    async fn insert_api_key(&mut self, key: &ApiKey, hash: &ApiKeyHash) -> Result<(), StoreError> {
        self.api_keys.push((key.clone(), hash.clone(), None));
        Ok(())
    }

    async fn api_keys(&mut self, _: Option<UserId>, _: &PageRequest) -> Result<Page<ApiKey>, StoreError> {
        unreachable!("no use case of this crate lists API keys")
    }

    async fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.api_keys.iter().map(|(key, ..)| key).find(|key| key.id == id).cloned())
    }

    async fn lock_api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.api_key(id).await
    }

    async fn active_api_keys(&mut self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        Ok(self.api_keys.iter().filter(|(key, ..)| key.state(now) == ApiKeyState::Active).map(|_| 1).sum())
    }

    async fn active_api_keys_of(&mut self, maker: UserId, now: DateTime<Utc>) -> Result<Vec<ApiKey>, StoreError> {
        let of_maker = |key: &&ApiKey| key.created_by == Some(maker) && key.state(now) == ApiKeyState::Active;
        Ok(self.api_keys.iter().map(|(key, ..)| key).filter(of_maker).cloned().collect())
    }

    async fn update_api_key(&mut self, changed: &ApiKey) -> Result<(), StoreError> {
        for (key, ..) in self.api_keys.iter_mut().filter(|(key, ..)| key.id == changed.id) {
            *key = changed.clone();
        }
        Ok(())
    }

    async fn replace_api_key_secret(
        &mut self,
        id: ApiKeyId,
        hash: &ApiKeyHash,
        previous_valid_until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for (key, current, previous) in self.api_keys.iter_mut().filter(|(key, ..)| key.id == id) {
            *previous = Some(std::mem::replace(current, hash.clone()));
            key.previous_valid_until = Some(previous_valid_until);
        }
        Ok(())
    }
}

impl FakeStore {
    /// Gives a user a role of its own with these permissions.
    pub(crate) fn give_permissions(&mut self, user: UserId, permissions: &[Permission]) {
        let id = RoleId::new(&*self.clock);
        let key = format!("r{}", self.roles.len());
        self.roles.push(Role {
            id,
            key: RoleKey::parse(&key).unwrap(),
            name: RoleName::parse(&key).unwrap(),
            system: false,
            permissions: permissions.iter().copied().collect(),
            version: 1,
            created_at: at(0),
        });
        self.memberships.push((user, id, at(0)));
    }
}

/// A key to make.
pub(crate) fn new_api_key(store: &FakeStore, permissions: &[Permission]) -> NewApiKey {
    NewApiKey {
        name: ApiKeyName::parse("Shop").unwrap(),
        permissions: permissions.iter().copied().collect(),
        networks: Networks::default(),
        expires_at: kernel::Clock::now(&*store.clock) + ApiKey::DEFAULT_LIFETIME,
    }
}

/// Makes a key as the caller.
pub(crate) fn make_api_key(
    store: &mut FakeStore,
    permissions: &[Permission],
) -> Result<(ApiKey, ApiKeySecret), CreateApiKeyError> {
    let (permit, clock, new) = (store.permit(), store.clock.clone(), new_api_key(store, permissions));
    run(create_api_key(permit, store, new, origin(), &SystemEntropy::new(), &*clock))
}
