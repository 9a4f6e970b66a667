//! What the use cases of authentication need of a transaction.

use audit::{AuditRepo, PlatformAuditRepo};
use iam::{TenantRepo, UserRepo};
use rbac::MembershipRepo;
use tokens::{SessionRepo, SigningKeyRepo};

use crate::CreateTenantTx;

/// What changing a user's credentials and ending their sessions needs.
pub trait UserSessionTx: UserRepo + SessionRepo + AuditRepo {}

impl<T: UserRepo + SessionRepo + AuditRepo + ?Sized> UserSessionTx for T {}

/// What ending sessions needs.
pub trait EndSessionTx: SessionRepo + AuditRepo {}

impl<T: SessionRepo + AuditRepo + ?Sized> EndSessionTx for T {}

/// What exchanging a refresh token needs.
pub trait RefreshTx: EndSessionTx + TenantRepo + UserRepo + MembershipRepo {}

impl<T: EndSessionTx + TenantRepo + UserRepo + MembershipRepo + ?Sized> RefreshTx for T {}

/// What [`register`](crate::register) needs of the tenant's transaction.
pub trait RegisterTx: TenantRepo + UserRepo + SessionRepo + AuditRepo {}

impl<T: TenantRepo + UserRepo + SessionRepo + AuditRepo + ?Sized> RegisterTx for T {}

/// What [`sign_up`](crate::sign_up) needs of the new tenant's transaction.
pub trait SignUpTx: CreateTenantTx + SessionRepo + AuditRepo {}

impl<T: CreateTenantTx + SessionRepo + AuditRepo + ?Sized> SignUpTx for T {}

/// What changing the signing keys needs.
pub trait SigningKeyTx: SigningKeyRepo + PlatformAuditRepo {}

impl<T: SigningKeyRepo + PlatformAuditRepo + ?Sized> SigningKeyTx for T {}
