//! API keys: with which a tenant's programs call the API.

mod authenticate;
mod change;
mod create;
mod list;
mod revoke;
mod rotate;

use audit::{AuditRepo, Record, target};
use kernel::{Permission, PermissionSet};
use tokens::{ApiKey, ApiKeyRepo};

use crate::AuthorityTx;

pub use authenticate::{KeyAccess, authenticate_api_key};
pub use change::{ApiKeyPatch, ChangeApiKeyError, change_api_key};
pub use create::{CreateApiKeyError, NewApiKey, create_api_key};
pub use list::api_keys_of_user;
pub(crate) use revoke::revoke_api_keys_of;
pub use revoke::{revoke_api_key, revoke_api_key_by_operator};
pub use rotate::{RotatedSecret, rotate_api_key};

/// What making and changing keys needs.
pub trait ApiKeyTx: AuthorityTx + ApiKeyRepo + AuditRepo {}

impl<T: AuthorityTx + ApiKeyRepo + AuditRepo + ?Sized> ApiKeyTx for T {}

fn about(record: Record, key: &ApiKey) -> Record {
    record.about(target::API_KEY, &key.id)
}

fn keys(permissions: &PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(Permission::key).collect()
}
