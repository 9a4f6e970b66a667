use std::fmt::Debug;

use async_trait::async_trait;
use kernel::{Entropy, EntropyUnavailable};

use crate::{Password, PasswordHash};

/// Hashes and verifies passwords. The work takes tens of milliseconds of a core, so an implementation does it on threads of its
/// own and refuses it when too much waits.
#[async_trait]
pub trait PasswordHasher: Send + Sync + Debug {
    /// Hashes a password with a new salt.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] if the requester's share of the queue is full.
    async fn hash(
        &self,
        password: Password,
        requester: HashRequester,
        entropy: &dyn Entropy,
    ) -> Result<PasswordHash, HashError>;
    /// Whether the password matches the stored hash. With `renew`, a match whose parameters are outdated also returns a new hash,
    /// which doubles the work.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] if the queue is full.
    async fn verify(
        &self,
        password: Password,
        stored: PasswordHash,
        renew: bool,
        entropy: &dyn Entropy,
    ) -> Result<PasswordVerification, HashError>;
    /// The work of [`Self::verify`] for a user who does not exist; otherwise the response time would reveal that.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] if the queue is full.
    async fn verify_dummy(&self, password: Password, entropy: &dyn Entropy) -> Result<(), HashError>;
}

/// Who wants a password hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashRequester {
    /// Not authenticated: they sign up or register. They get only a part of the queue and of the threads, so that any number of
    /// them leaves logins the rest.
    Stranger,
    /// They were authenticated.
    Authenticated,
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many passwords wait to be hashed; retry later.
    #[error("the password hashing queue is full")]
    Busy,
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error("the password could not be hashed")]
    Failed,
}

/// The result of verifying a password.
#[derive(Debug)]
pub enum PasswordVerification {
    Mismatch,
    Match {
        /// A hash with the current parameters, if the stored hash has others.
        renewed: Option<PasswordHash>,
    },
}
