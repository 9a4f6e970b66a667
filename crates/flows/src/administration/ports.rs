//! What the use cases of administration need of a transaction.

use audit::{AuditRepo, PlatformAuditRepo};
use billing::{PlanRepo, SubscriptionRepo};
use iam::{TenantRepo, UserRepo};
use rbac::{MembershipRepo, RoleRepo};
use tokens::{ApiKeyRepo, SessionRepo};

use crate::IdempotencyRepo;

/// What the rules of permissions need.
pub trait AuthorityTx: TenantRepo + UserRepo + MembershipRepo {}

impl<T: TenantRepo + UserRepo + MembershipRepo + ?Sized> AuthorityTx for T {}

/// What creating a tenant needs.
pub trait CreateTenantTx: AuthorityTx + RoleRepo + PlanRepo + SubscriptionRepo {}

impl<T: AuthorityTx + RoleRepo + PlanRepo + SubscriptionRepo + ?Sized> CreateTenantTx for T {}

/// What changing roles and memberships needs.
pub trait RoleTx: AuthorityTx + RoleRepo + AuditRepo {}

impl<T: AuthorityTx + RoleRepo + AuditRepo + ?Sized> RoleTx for T {}

/// What reading users needs.
pub trait MemberTx: UserRepo + MembershipRepo {}

impl<T: UserRepo + MembershipRepo + ?Sized> MemberTx for T {}

/// What changing and deleting users needs.
pub trait ChangeUserTx: AuthorityTx + SessionRepo + ApiKeyRepo + AuditRepo {}

impl<T: AuthorityTx + SessionRepo + ApiKeyRepo + AuditRepo + ?Sized> ChangeUserTx for T {}

/// What [`create_user`](crate::create_user) needs.
pub trait CreateUserTx: UserRepo + AuditRepo {}

impl<T: UserRepo + AuditRepo + ?Sized> CreateUserTx for T {}

/// What [`change_tenant_by_operator`](crate::change_tenant_by_operator) needs.
pub trait ChangeTenantTx: TenantRepo + AuditRepo + PlatformAuditRepo {}

impl<T: TenantRepo + AuditRepo + PlatformAuditRepo + ?Sized> ChangeTenantTx for T {}

/// What [`change_settings`](crate::change_settings) needs.
pub trait ChangeSettingsTx: TenantRepo + AuditRepo {}

impl<T: TenantRepo + AuditRepo + ?Sized> ChangeSettingsTx for T {}

/// What [`provision_tenant`](crate::provision_tenant) needs of the new tenant's transaction.
pub trait ProvisionTenantTx: CreateTenantTx + AuditRepo + PlatformAuditRepo + IdempotencyRepo {}

impl<T: CreateTenantTx + AuditRepo + PlatformAuditRepo + IdempotencyRepo + ?Sized> ProvisionTenantTx for T {}
