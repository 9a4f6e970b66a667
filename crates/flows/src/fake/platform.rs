use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::ProvisioningKeyId;
use tokens::{ProvisioningKey, ProvisioningKeyHash, ProvisioningKeyRepo};

use super::FakeStore;

/// The provisioning keys, with the hashes of their secrets.
pub(crate) type FakeProvisioningKeys = Vec<(ProvisioningKey, ProvisioningKeyHash)>;

#[async_trait]
impl ProvisioningKeyRepo for FakeStore {
    async fn insert_provisioning_key(
        &mut self,
        key: &ProvisioningKey,
        hash: &ProvisioningKeyHash,
    ) -> Result<(), StoreError> {
        self.provisioning_keys.push((key.clone(), hash.clone()));
        Ok(())
    }

    async fn provisioning_keys(&mut self) -> Result<Vec<ProvisioningKey>, StoreError> {
        unreachable!("no use case of this crate lists provisioning keys")
    }

    async fn provisioning_key(&mut self, hash: &ProvisioningKeyHash) -> Result<Option<ProvisioningKey>, StoreError> {
        Ok(self.provisioning_keys.iter().find(|(_, stored)| stored == hash).map(|(key, _)| key.clone()))
    }

    async fn record_provisioning_key_use(&mut self, _: ProvisioningKeyId, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("a key is used in a transaction of its own, which unit tests do not have")
    }

    async fn revoke_provisioning_key(&mut self, id: ProvisioningKeyId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut keys = self.provisioning_keys.iter_mut().map(|(key, _)| key);
        let Some(key) = keys.find(|key| key.id == id && key.revoked_at.is_none()) else { return Ok(false) };
        key.revoked_at = Some(now);
        Ok(true)
    }
}
