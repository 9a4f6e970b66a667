//! Access tokens, the sessions behind them, the keys that sign, and the keys that operators' programs show.
//!
//! - An access token is a JWS (Ed25519) that lives for minutes. [`KeySet::verify`] checks it in a fixed order and says no
//!   for one reason only, [`InvalidToken`]: an attacker learns nothing from which check failed.
//! - A valid token alone opens nothing: its session is read from the database on each request.
//! - A refresh token is an opaque secret of which only the SHA-256 is stored. It is used once: whoever shows one that was used
//!   before ends its session, unless the two requests overlapped ([`StoredRefreshToken::shown`]).
//! - Signing keys go from [`KeyState`] to [`KeyState`] as [`RotationPolicy::due`] says; one is active at a time.
//! - A provisioning key is an operator's: it opens what belongs to no tenant, as far as its [`KeyScope`]s go. Only its
//!   SHA-256 is stored, too.
//! - Private keys are in the database, sealed; see `kernel::seal`.
//!
//! josekit makes and checks signatures and nothing else: its payload validation accepts tokens without `exp` or `aud`, any
//! `typ` and duplicate members, and panics on huge times.

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
mod signing_key;

pub use access_token::{InvalidToken, IssueError, Issued, Rejection, TokenPolicy, Verified};
pub use claims::Claims;
pub use key_scope::{KeyScope, ScopeGrant, UnknownScope, scope};
pub use key_set::{KeySet, UnusableKey};
pub use ports::{ProvisioningKeyRepo, SessionHousekeeping, SessionRepo, SigningKeyRepo};
pub use provisioning_key::{ProvisioningKey, ProvisioningKeyHash, ProvisioningSecret};
pub use refresh_token::{NoRefreshToken, Reached, RefreshToken, RefreshTokenHash, Showing, StoredRefreshToken};
pub use rotation::{Due, RotationPolicy};
pub use session::{Client, Session, SessionPolicy};
pub use signing_key::{KeyError, KeyState, SigningKey, UnknownKeyState};
