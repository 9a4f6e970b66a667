use kernel::ids::RoleId;
use kernel::{Permission, PermissionSet};

/// A named set of permissions within one tenant.
#[derive(Clone, Debug)]
pub struct Role {
    pub id: RoleId,
    pub key: RoleKey,
    pub name: String,
    /// Made at sign-up and immutable.
    pub system: bool,
    pub permissions: PermissionSet,
}

/// A role's name in the API, unique within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleKey(String);

impl RoleKey {
    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The roles that every tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRole {
    Owner,
    Admin,
    Agent,
    Viewer,
    Billing,
}

impl SystemRole {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Agent, Self::Viewer, Self::Billing];

    #[must_use]
    pub fn key(self) -> RoleKey {
        let key = match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
            Self::Billing => "billing",
        };
        RoleKey(key.to_owned())
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Administrator",
            Self::Agent => "Agent",
            Self::Viewer => "Viewer",
            Self::Billing => "Billing",
        }
    }

    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        use Permission::{BillingWrite, ChannelsRead, CrmRead, CrmWrite, TenantRead, TenantWrite, UsersRead};
        match self {
            Self::Owner => Permission::ALL.into_iter().collect(),
            Self::Admin => Permission::ALL
                .into_iter()
                .filter(|permission| ![TenantWrite, BillingWrite].contains(permission))
                .collect(),
            Self::Agent => [CrmWrite, ChannelsRead, UsersRead].into_iter().collect(),
            Self::Viewer => [CrmRead, UsersRead].into_iter().collect(),
            Self::Billing => [BillingWrite, TenantRead].into_iter().collect(),
        }
    }

    /// The role as a new tenant gets it.
    #[must_use]
    pub fn with_id(self, id: RoleId) -> Role {
        Role { id, key: self.key(), name: self.name().to_owned(), system: true, permissions: self.permissions() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_can_neither_change_the_tenant_nor_its_billing() {
        let admin = SystemRole::Admin.permissions();
        assert!(!admin.contains(Permission::TenantWrite) && !admin.contains(Permission::BillingWrite));
        assert!(admin.contains(Permission::TenantRead) && admin.contains(Permission::BillingRead));
        assert_eq!(admin.iter().count(), Permission::ALL.len() - 2);
    }

    #[test]
    fn writing_roles_can_read() {
        assert!(SystemRole::Agent.permissions().contains(Permission::CrmRead));
        assert!(SystemRole::Billing.permissions().contains(Permission::BillingRead));
    }
}
