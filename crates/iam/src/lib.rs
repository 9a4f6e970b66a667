#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod change_tenant;
mod common_passwords;
mod email;
mod password;
mod password_hash;
mod password_hasher;
mod ports;
mod rate_limit;
mod tenant;
mod tenant_weight;
mod user;

pub use change_tenant::{TenantPatch, change_tenant, tenant};
pub use email::{Email, InvalidEmail};
pub use password::{InvalidPassword, Password};
pub use password_hash::{HashParameters, PasswordHash};
pub use password_hasher::{HashError, HashRequester, PasswordHasher, PasswordVerification};
pub use ports::{RateLimitFastPath, RateLimitRepo, TenantDirectory, TenantRepo, UserRepo, constraint};
pub use rate_limit::{
    AttemptCounter, AttemptQueue, NewAccountLimits, QueuePermit, QueueTimeout, RateLimit, RateLimitBucket,
    RateLimitDecision, RateLimitKey, RateLimiter, network,
};
pub use tenant::{
    InvalidSlug, InvalidTenantName, SelfRegistration, Slug, Tenant, TenantName, TenantReference, TenantStatus,
};
pub use tenant_weight::{InvalidTenantWeight, TenantWeight};
pub use user::{InvalidUserName, User, UserName, UserStatus};
