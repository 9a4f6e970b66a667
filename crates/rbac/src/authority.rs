use kernel::PermissionSet;

/// What somebody may do to others, by what they hold themselves at this moment: nobody raises anybody above themselves, and
/// nobody acts on who stands above them.
#[derive(Clone, Debug)]
pub struct Authority(PermissionSet);

/// The other one holds something that the actor does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("they may do what you may not")]
pub struct OutranksYou;

/// It contains something that the actor does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody gives what they do not hold")]
pub struct CannotGrant;

impl Authority {
    #[must_use]
    pub const fn of(held: PermissionSet) -> Self {
        Self(held)
    }

    /// # Errors
    /// [`OutranksYou`] unless all that the other one holds is held by the actor, too.
    pub fn act_on(&self, other: &PermissionSet) -> Result<(), OutranksYou> {
        if other.is_subset(&self.0) { Ok(()) } else { Err(OutranksYou) }
    }

    /// # Errors
    /// [`CannotGrant`] unless all of it is held by the actor.
    pub fn grant(&self, permissions: &PermissionSet) -> Result<(), CannotGrant> {
        if permissions.is_subset(&self.0) { Ok(()) } else { Err(CannotGrant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRole;

    #[test]
    fn an_administrator_acts_on_everybody_but_owners_and_who_may_write_bills() {
        let admin = Authority::of(SystemRole::Admin.permissions());
        for role in [SystemRole::Admin, SystemRole::Agent, SystemRole::Viewer] {
            assert_eq!(admin.act_on(&role.permissions()), Ok(()), "{role:?}");
            assert_eq!(admin.grant(&role.permissions()), Ok(()), "{role:?}");
        }
        for role in [SystemRole::Owner, SystemRole::Billing] {
            assert_eq!(admin.act_on(&role.permissions()), Err(OutranksYou), "{role:?}");
            assert_eq!(admin.grant(&role.permissions()), Err(CannotGrant), "{role:?}");
        }
    }

    #[test]
    fn whoever_holds_nothing_is_below_everybody() {
        let nobody = Authority::of(PermissionSet::default());
        assert_eq!(nobody.act_on(&PermissionSet::default()), Ok(()));
        assert_eq!(nobody.act_on(&SystemRole::Viewer.permissions()), Err(OutranksYou));
    }
}
