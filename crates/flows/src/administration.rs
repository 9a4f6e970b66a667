//! Administering tenants, their users, roles and memberships.

mod authority;
mod create_tenant;
mod memberships;
mod roles;
mod tenants;
mod users;

pub use authority::{AuthorityError, AuthorityTx, lock_authority, require_active_owner};
pub use create_tenant::CreateTenantTx;
pub(crate) use create_tenant::{CreateTenantError, create_tenant, slugs};
pub use memberships::{ChangeMembershipError, grant_membership, memberships, revoke_membership};
pub use roles::{
    ChangeRoleError, CreateRoleError, DeleteRoleError, NewRole, RolePatch, RoleTx, change_role, create_role,
    delete_role,
};
pub use tenants::{
    ChangeSettingsTx, ChangeTenantTx, OperatorTenantPatch, ProvisionError, ProvisionOutcome, ProvisionTenant,
    ProvisionTenantTx, change_settings, change_tenant_by_operator, provision_tenant,
};
pub use users::{
    ChangeUserError, ChangeUserTx, CreateUser, CreateUserError, CreateUserTx, Member, MemberTx, PreparedUser,
    UserPatch, change_user, create_user, delete_user, prepare_user, user, users,
};
