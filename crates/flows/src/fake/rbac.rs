use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{RoleId, UserId};
use kernel::{Page, PageRequest, PermissionSet, StoreError};
use rbac::{Membership, MembershipRepo, Role, RoleKey, RoleName, RoleRepo, SystemRole, constraint};

use super::{FakeStore, conflict};

#[async_trait]
impl RoleRepo for FakeStore {
    async fn insert_roles(&mut self, roles: &[Role]) -> Result<(), StoreError> {
        for role in roles {
            if self.roles.iter().any(|other| other.key == role.key) {
                return Err(conflict(constraint::ROLE_KEY));
            }
            self.roles.push(role.clone());
        }
        Ok(())
    }

    async fn role(&mut self, id: RoleId) -> Result<Option<Role>, StoreError> {
        Ok(self.roles.iter().find(|role| role.id == id).cloned())
    }

    async fn roles(&mut self, _: &PageRequest) -> Result<Page<Role>, StoreError> {
        Ok(Page::whole(self.roles.iter().rev().cloned().collect()))
    }

    async fn role_names(&mut self) -> Result<Vec<(RoleId, RoleName)>, StoreError> {
        Ok(self.roles.iter().map(|role| (role.id, role.name.clone())).collect())
    }

    async fn custom_roles(&mut self) -> Result<i64, StoreError> {
        Ok(self.roles.iter().filter(|role| !role.system).map(|_| 1).sum())
    }

    async fn update_role(&mut self, changed: &Role) -> Result<(), StoreError> {
        for role in self.roles.iter_mut().filter(|role| role.id == changed.id) {
            *role = changed.clone();
        }
        Ok(())
    }

    async fn delete_role(&mut self, id: RoleId) -> Result<(), StoreError> {
        if self.memberships.iter().any(|(_, role, _)| *role == id) {
            return Err(conflict(constraint::ROLE_IN_USE));
        }
        self.roles.retain(|role| role.id != id);
        Ok(())
    }
}

#[async_trait]
impl MembershipRepo for FakeStore {
    async fn insert_membership(&mut self, user: UserId, role: RoleId, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.memberships.push((user, role, now));
        Ok(())
    }

    async fn delete_membership(&mut self, user: UserId, role: RoleId) -> Result<(), StoreError> {
        self.memberships.retain(|(member, held, _)| (*member, *held) != (user, role));
        Ok(())
    }

    async fn membership(&mut self, user: UserId, role: RoleId) -> Result<Option<Membership>, StoreError> {
        Ok(self.memberships_of(user).into_iter().find(|membership| membership.role == role))
    }

    async fn memberships(&mut self, user: UserId, _: &PageRequest) -> Result<Page<Membership>, StoreError> {
        Ok(Page::whole(self.memberships_of(user)))
    }

    async fn role_keys(&mut self, user: UserId) -> Result<Vec<RoleKey>, StoreError> {
        let mut keys: Vec<RoleKey> = self.memberships_of(user).into_iter().map(|membership| membership.key).collect();
        keys.sort();
        Ok(keys)
    }

    async fn role_keys_of(&mut self, users: &[UserId]) -> Result<Vec<(UserId, RoleKey)>, StoreError> {
        let mut keys = Vec::new();
        for user in users {
            keys.extend(self.role_keys(*user).await?.into_iter().map(|key| (*user, key)));
        }
        Ok(keys)
    }

    async fn permissions(&mut self, user: UserId) -> Result<PermissionSet, StoreError> {
        Ok(self.held_by(user))
    }

    async fn permissions_of_holders(&mut self, role: RoleId) -> Result<PermissionSet, StoreError> {
        let holders = self.memberships.iter().filter(|(_, held, _)| *held == role);
        Ok(holders.flat_map(|(user, ..)| self.held_by(*user).iter().collect::<Vec<_>>()).collect())
    }

    async fn active_owners(&mut self) -> Result<i64, StoreError> {
        let owner = SystemRole::Owner.key();
        let owners = self.users.iter().filter(|(user, _)| {
            self.is_active(user.id) && self.memberships_of(user.id).iter().any(|membership| membership.key == owner)
        });
        Ok(owners.map(|_| 1).sum())
    }
}

impl FakeStore {
    fn memberships_of(&self, user: UserId) -> Vec<Membership> {
        let held = self.memberships.iter().filter(|(member, ..)| *member == user);
        let membership = |(_, id, created_at): &(UserId, RoleId, DateTime<Utc>)| {
            let Role { id, key, name, system, .. } = self.roles.iter().find(|role| role.id == *id)?.clone();
            Some(Membership { role: id, key, name, system, created_at: *created_at })
        };
        held.filter_map(membership).collect()
    }

    fn held_by(&self, user: UserId) -> PermissionSet {
        let held = self.memberships.iter().filter(|(member, ..)| *member == user);
        let roles = held.filter_map(|(_, id, _)| self.roles.iter().find(|role| role.id == *id));
        roles.flat_map(|role| role.permissions.iter()).collect()
    }
}
