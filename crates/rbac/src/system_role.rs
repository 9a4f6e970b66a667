use chrono::{DateTime, Utc};
use kernel::ids::RoleId;
use kernel::{Permission, PermissionSet};
use strum::{IntoStaticStr, VariantArray};

use crate::{Role, RoleKey, RoleName};

/// The roles that every tenant has. A tenant gets them at sign-up; `parley migrate` updates those of existing tenants to the
/// definitions here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SystemRole {
    Owner,
    Admin,
    Agent,
    Viewer,
    Billing,
}

impl SystemRole {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub fn key(self) -> RoleKey {
        RoleKey::from_stored(self.into_str().to_owned())
    }

    #[must_use]
    pub fn name(self) -> RoleName {
        let name = match self {
            Self::Owner => "Owner",
            Self::Admin => "Administrator",
            Self::Agent => "Agent",
            Self::Viewer => "Viewer",
            Self::Billing => "Billing",
        };
        RoleName::from_stored(name.to_owned())
    }

    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        use Permission::{
            BillingWrite, ChannelsRead, CrmRead, CrmWrite, MessagesSend, TemplatesRead, TenantRead, TenantWrite,
            UsersRead,
        };
        match self {
            Self::Owner => Permission::ALL.iter().copied().collect(),
            Self::Admin => Permission::ALL
                .iter()
                .copied()
                .filter(|permission| ![TenantWrite, BillingWrite].contains(permission))
                .collect(),
            Self::Agent => [CrmWrite, ChannelsRead, MessagesSend, TemplatesRead, UsersRead].into_iter().collect(),
            Self::Viewer => [CrmRead, TemplatesRead, UsersRead].into_iter().collect(),
            Self::Billing => [BillingWrite, TenantRead].into_iter().collect(),
        }
    }

    /// The role for a new tenant.
    #[must_use]
    pub fn with_id(self, id: RoleId, created_at: DateTime<Utc>) -> Role {
        Role {
            id,
            key: self.key(),
            name: self.name(),
            system: true,
            permissions: self.permissions(),
            version: 1,
            created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_cannot_write_tenant_or_billing() {
        let admin = SystemRole::Admin.permissions();
        assert!(!admin.contains(Permission::TenantWrite) && !admin.contains(Permission::BillingWrite));
        assert!(admin.contains(Permission::TenantRead) && admin.contains(Permission::BillingRead));
        assert_eq!(admin.iter().count(), Permission::ALL.len() - 2);
    }

    #[test]
    fn role_with_write_permission_can_read() {
        assert!(SystemRole::Agent.permissions().contains(Permission::CrmRead));
        assert!(SystemRole::Billing.permissions().contains(Permission::BillingRead));
    }

    #[test]
    fn system_role_keys_and_names_are_valid() {
        for role in SystemRole::ALL {
            assert_eq!(RoleKey::parse(role.key().as_str()), Ok(role.key()));
            assert_eq!(RoleName::parse(role.name().as_str()), Ok(role.name()));
        }
    }
}
