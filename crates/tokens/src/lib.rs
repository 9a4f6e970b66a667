//! Access tokens, sessions, refresh tokens, signing keys and provisioning keys.
//!
//! - An access token is a JWS (Ed25519) with a lifetime of minutes. [`KeySet::verify`] checks it in a fixed order; callers get
//!   one error only, [`InvalidToken`], so that an attacker does not learn which check failed.
//! - A valid token alone grants nothing: its session is read from the database on each request.
//! - A refresh token is an opaque secret of which only the SHA-256 is stored. It is used once: a request that replays a used
//!   token ends the session, unless the two requests overlapped ([`StoredRefreshToken::verdict`]).
//! - Signing keys change their [`KeyState`] as [`RotationPolicy::due`] decides; one is active at a time.
//! - A provisioning key is an operator's API key, limited by its [`KeyScope`]s. Only its SHA-256 is stored.
//! - Private keys are sealed in the database; see `kernel::seal`.

#![deny(clippy::future_not_send)]

mod access_token;
mod claims;
mod digest;
mod key_scope;
mod key_set;
mod ports;
mod provisioning_key;
mod refresh_token;
mod rotation;
mod session;
mod signature;
mod signing_key;
mod signing_key_factory;
#[cfg(test)]
mod testing;

pub use access_token::{InvalidToken, IssueError, IssuedToken, Rejection, TokenPolicy, VerifiedToken};
pub use claims::Claims;
pub use key_scope::{KeyScope, ScopeGrant, UnknownScope, scope};
pub use key_set::{KeySet, UnusableKey};
pub use ports::{ProvisioningKeyRepo, SessionHousekeeping, SessionRepo, SigningKeyRepo};
pub use provisioning_key::{ProvisioningKey, ProvisioningKeyHash, ProvisioningSecret};
pub use refresh_token::{
    InvalidRefreshToken, RefreshToken, RefreshTokenHash, RefreshVerdict, StoredRefreshToken, TokenLock,
};
pub use rotation::{RotationPolicy, RotationStep};
pub use session::{Session, SessionClient, SessionPolicy};
pub use signature::{KeyPair, SignatureAlgorithm, SignatureError, TokenSigner, TokenVerifier};
pub use signing_key::{KeyError, KeyState, SigningKey, UnknownKeyState};
pub use signing_key_factory::SigningKeyFactory;
