//! Administering tenants, their users, roles and memberships.

mod authority;
mod create_tenant;
mod memberships;
mod ports;
mod roles;
mod tenants;
mod users;

pub use authority::{AuthorityError, lock_authority, require_active_owner};
pub(crate) use create_tenant::{CreateTenantError, create_tenant, slugs};
pub use memberships::{ChangeMembershipError, grant_membership, memberships, revoke_membership};
pub use ports::{
    AuthorityTx, ChangeSettingsTx, ChangeTenantTx, ChangeUserTx, CreateTenantTx, CreateUserTx, MemberTx,
    ProvisionTenantTx, RoleTx,
};
pub use roles::{
    ChangeRoleError, CreateRoleError, DeleteRoleError, NewRole, RolePatch, change_role, create_role, delete_role,
};
pub use tenants::{
    OperatorTenantPatch, ProvisionError, ProvisionOutcome, ProvisionTenant, change_settings, change_tenant_by_operator,
    provision_tenant,
};
pub use users::{
    ChangeUserError, ChangedUser, CreateUser, CreateUserError, Member, PreparedUser, UserPatch, change_user,
    create_user, delete_user, prepare_user, user, users,
};
