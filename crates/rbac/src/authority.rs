use kernel::PermissionSet;

/// What a user may do to other users and roles, given the permissions that the user holds now: they cannot grant permissions
/// that they do not hold, nor change users who hold permissions that they do not hold.
#[derive(Clone, Debug)]
pub struct Authority(PermissionSet);

/// The other user holds a permission that the acting user does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user holds permissions that you do not hold")]
pub struct TargetHoldsMore;

/// A permission to be granted is not held by the acting user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permissions that you do not hold cannot be granted")]
pub struct PermissionNotHeld;

impl Authority {
    #[must_use]
    pub const fn of(held: PermissionSet) -> Self {
        Self(held)
    }

    /// # Errors
    /// [`TargetHoldsMore`] unless the acting user holds all of the other user's permissions.
    pub fn act_on(&self, other: &PermissionSet) -> Result<(), TargetHoldsMore> {
        if other.is_subset(&self.0) { Ok(()) } else { Err(TargetHoldsMore) }
    }

    /// # Errors
    /// [`PermissionNotHeld`] unless the acting user holds all of them.
    pub fn grant(&self, permissions: &PermissionSet) -> Result<(), PermissionNotHeld> {
        if permissions.is_subset(&self.0) { Ok(()) } else { Err(PermissionNotHeld) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRole;

    #[test]
    fn admin_acts_on_all_roles_except_owner_and_billing() {
        let admin = Authority::of(SystemRole::Admin.permissions());
        for role in [SystemRole::Admin, SystemRole::Agent, SystemRole::Viewer] {
            assert_eq!(admin.act_on(&role.permissions()), Ok(()), "{role:?}");
            assert_eq!(admin.grant(&role.permissions()), Ok(()), "{role:?}");
        }
        for role in [SystemRole::Owner, SystemRole::Billing] {
            assert_eq!(admin.act_on(&role.permissions()), Err(TargetHoldsMore), "{role:?}");
            assert_eq!(admin.grant(&role.permissions()), Err(PermissionNotHeld), "{role:?}");
        }
    }

    #[test]
    fn user_without_permissions_cannot_act_on_viewer() {
        let powerless = Authority::of(PermissionSet::default());
        assert_eq!(powerless.act_on(&PermissionSet::default()), Ok(()));
        assert_eq!(powerless.act_on(&SystemRole::Viewer.permissions()), Err(TargetHoldsMore));
    }
}
