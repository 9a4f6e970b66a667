//! The adapter for work that needs threads, queues or a cryptographic library.
//!
//! - [`Argon2Hasher`] hashes passwords with argon2id on threads of its own (port: [`iam::PasswordHasher`]).
//! - [`Ed25519`] makes and verifies signatures of access tokens (port: [`tokens::SignatureAlgorithm`]).
//! - [`KeyedSemaphore`] queues the attempts of one process (port: [`iam::AttemptQueue`]).
//!
//! Invariants:
//! - hashing threads run at a lower priority than threads that serve requests, and their queue is bounded;
//! - work whose caller has disconnected is skipped, and its place in the queue is freed.
//!
//! To add to it: the port in the domain that needs it, the implementation here in a file of its own.

#![deny(clippy::future_not_send)]

mod argon2id;
mod ed25519;
mod keyed_semaphore;
mod metrics;
mod password_hasher;

pub use ed25519::Ed25519;
pub use keyed_semaphore::KeyedSemaphore;
pub use metrics::{describe as describe_metrics, refresh as refresh_metrics};
pub use password_hasher::Argon2Hasher;
