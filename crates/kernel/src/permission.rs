use std::collections::BTreeSet;

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::actor::{Actor, Holder};
use crate::ids::UserId;
use crate::quoted;

/// The permissions that a role can contain. `x:write` implies `x:read`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(const_into_str, parse_err_ty = UnknownPermission, parse_err_fn = unknown_permission)]
pub enum Permission {
    #[strum(serialize = "crm:read")]
    CrmRead,
    #[strum(serialize = "crm:write")]
    CrmWrite,
    #[strum(serialize = "billing:read")]
    BillingRead,
    #[strum(serialize = "billing:write")]
    BillingWrite,
    #[strum(serialize = "channels:read")]
    ChannelsRead,
    #[strum(serialize = "channels:write")]
    ChannelsWrite,
    #[strum(serialize = "messages:send")]
    MessagesSend,
    #[strum(serialize = "templates:read")]
    TemplatesRead,
    #[strum(serialize = "templates:write")]
    TemplatesWrite,
    #[strum(serialize = "events:read")]
    EventsRead,
    #[strum(serialize = "events:replay")]
    EventsReplay,
    #[strum(serialize = "users:read")]
    UsersRead,
    #[strum(serialize = "users:write")]
    UsersWrite,
    #[strum(serialize = "roles:read")]
    RolesRead,
    #[strum(serialize = "roles:write")]
    RolesWrite,
    #[strum(serialize = "api_keys:read")]
    ApiKeysRead,
    #[strum(serialize = "api_keys:write")]
    ApiKeysWrite,
    #[strum(serialize = "audit:read")]
    AuditRead,
    #[strum(serialize = "tenant:read")]
    TenantRead,
    #[strum(serialize = "tenant:write")]
    TenantWrite,
}

impl Permission {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in the API, the database and the scopes of the OpenAPI document.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.into_str()
    }

    /// Whether API keys can hold it; users only otherwise.
    #[must_use]
    pub fn is_for_keys(self) -> bool {
        KEYABLE.contains(&self)
    }

    /// The permission that this one includes.
    #[must_use]
    pub const fn implies(self) -> Option<Self> {
        match self {
            Self::CrmWrite => Some(Self::CrmRead),
            Self::BillingWrite => Some(Self::BillingRead),
            Self::ChannelsWrite => Some(Self::ChannelsRead),
            Self::TemplatesWrite => Some(Self::TemplatesRead),
            Self::EventsReplay => Some(Self::EventsRead),
            Self::UsersWrite => Some(Self::UsersRead),
            Self::RolesWrite => Some(Self::RolesRead),
            Self::ApiKeysWrite => Some(Self::ApiKeysRead),
            Self::TenantWrite => Some(Self::TenantRead),
            _ => None,
        }
    }
}

/// The text is not the name of a permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such permission: {}", quoted(.0))]
pub struct UnknownPermission(String);

fn unknown_permission(text: &str) -> UnknownPermission {
    UnknownPermission(text.to_owned())
}

/// A set of permissions, closed under implication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(BTreeSet<Permission>);

impl PermissionSet {
    #[must_use]
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Whether the other set contains all of these permissions.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions.into_iter().flat_map(|permission| [Some(permission), permission.implies()]).flatten().collect(),
        )
    }
}

/// A permission as a type, for signatures such as `Allow<CrmRead>` and `Permit<CrmRead>`.
pub trait Grant: 'static {
    const PERMISSION: Permission;
    /// [`Actor`] if API keys may hold it, [`UserId`] if only users do.
    type Holder: Holder;
}

macro_rules! grants {
    ($(#[$condition:meta])? $list:ident: $holder:ty; $($name:ident),+ $(,)?) => {
        $(#[$condition])?
        const $list: &[Permission] = &[$(Permission::$name),+];
        $(
            #[doc = concat!("[`Permission::", stringify!($name), "`] as a type.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Grant for $name {
                const PERMISSION: Permission = Permission::$name;
                type Holder = $holder;
            }
        )+
    };
}

grants!(KEYABLE: Actor; BillingRead, ChannelsRead, CrmRead, CrmWrite, EventsRead, MessagesSend, TemplatesRead);
grants!(
    #[cfg(test)]
    USERS_ONLY: UserId;
    ApiKeysRead, ApiKeysWrite, AuditRead, BillingWrite, ChannelsWrite, EventsReplay, RolesRead, RolesWrite, TemplatesWrite,
    TenantRead, TenantWrite, UsersRead, UsersWrite,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_names_are_unique_and_parse_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.key().parse::<Permission>().unwrap(), *permission);
        }
        assert_eq!(Permission::ALL.iter().map(|p| p.key()).collect::<BTreeSet<_>>().len(), Permission::ALL.len());
    }

    #[test]
    fn each_permission_has_one_type_and_one_kind_of_holder() {
        let listed: Vec<Permission> = KEYABLE.iter().chain(USERS_ONLY).copied().collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), Permission::ALL.iter().copied().collect());
        assert_eq!(listed.len(), Permission::ALL.len());
        let for_keys = Permission::ALL.iter().filter(|permission| permission.is_for_keys());
        assert!(for_keys.filter_map(|permission| permission.implies()).all(Permission::is_for_keys));
    }

    #[test]
    fn write_permission_implies_read() {
        let set = PermissionSet::from_iter([Permission::CrmWrite]);
        assert!(set.contains(Permission::CrmRead));
        assert!(!set.contains(Permission::BillingRead));
    }
}
