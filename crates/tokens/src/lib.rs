#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod access_token;
mod api_key;
mod claims;
mod digest;
mod key_scope;
mod key_set;
mod ports;
mod provisioning_key;
mod read_api_keys;
mod refresh_token;
mod rotation;
mod session;
mod signature;
mod signing_key;
mod signing_key_factory;
#[cfg(test)]
mod testing;

pub use access_token::{InvalidToken, IssueError, IssuedToken, Rejection, TokenPolicy, VerifiedToken};
pub use api_key::{
    ApiKey, ApiKeyHash, ApiKeyName, ApiKeyRefusal, ApiKeySecret, ApiKeyState, InvalidApiKeyName, InvalidExpiry,
    InvalidNetwork, Networks, NoPermissions, NotAnApiKey, NotForKeys, ShownApiKey, TooManyNetworks,
};
pub use claims::Claims;
pub use key_scope::{KeyScope, ScopeGrant, UnknownScope, scope};
pub use key_set::{KeySet, UnusableKey};
pub use ports::{
    ApiKeyHousekeeping, ApiKeyRepo, ProvisioningKeyRepo, SessionHousekeeping, SessionRepo, SigningKeyRepo,
};
pub use provisioning_key::{ProvisioningKey, ProvisioningKeyHash, ProvisioningSecret};
pub use read_api_keys::{api_key, api_keys};
pub use refresh_token::{
    ClientTag, InvalidRefreshToken, RefreshToken, RefreshTokenHash, RefreshVerdict, StoredRefreshToken, TokenLock,
};
pub use rotation::{RotationPolicy, RotationStep};
pub use session::{Session, SessionClient, SessionPolicy};
pub use signature::{KeyPair, SignatureAlgorithm, SignatureError, TokenSigner, TokenVerifier};
pub use signing_key::{KeyError, KeyState, SigningKey, UnknownKeyState};
pub use signing_key_factory::SigningKeyFactory;
