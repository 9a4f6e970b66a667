use async_trait::async_trait;
use iam::{Email, PasswordHash, Tenant, TenantRepo, TenantWeight, User, UserRepo, UserStatus, constraint};
use kernel::ids::UserId;
use kernel::{Page, PageRequest, StoreError};

use super::{FakeStore, conflict};

#[async_trait]
impl TenantRepo for FakeStore {
    async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        if self.taken_slugs.iter().any(|slug| slug == tenant.slug.as_str()) {
            return Err(conflict(constraint::TENANT_SLUG));
        }
        self.tenant = Some(tenant.clone());
        Ok(())
    }

    async fn tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
        Ok(self.tenant.clone())
    }

    async fn lock_tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
        Ok(self.tenant.clone())
    }

    async fn tenant_weight(&mut self) -> Result<TenantWeight, StoreError> {
        Ok(self.tenant_weight)
    }

    async fn set_tenant_weight(&mut self, weight: TenantWeight) -> Result<(), StoreError> {
        self.tenant_weight = weight;
        Ok(())
    }

    async fn update_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        self.tenant = Some(tenant.clone());
        Ok(())
    }
}

#[async_trait]
impl UserRepo for FakeStore {
    async fn insert_user(&mut self, user: &User, password: &PasswordHash) -> Result<(), StoreError> {
        if self.user_by_email(&user.email).await?.is_some() {
            return Err(conflict(constraint::USER_EMAIL));
        }
        self.users.push((user.clone(), password.clone()));
        Ok(())
    }

    async fn user_by_email(&mut self, email: &Email) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let found = self.users.iter().find(|(user, _)| user.email.normalized() == email.normalized());
        Ok(found.cloned())
    }

    async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.lock_user(id).await?.map(|(user, _)| user))
    }

    async fn lock_user(&mut self, id: UserId) -> Result<Option<(User, PasswordHash)>, StoreError> {
        Ok(self.users.iter().find(|(user, _)| user.id == id).cloned())
    }

    async fn users(&mut self, _: &PageRequest) -> Result<Page<User>, StoreError> {
        Ok(Page::whole(self.users.iter().rev().map(|(user, _)| user.clone()).collect()))
    }

    async fn update_user(&mut self, changed: &User) -> Result<(), StoreError> {
        for (user, _) in self.users.iter_mut().filter(|(user, _)| user.id == changed.id) {
            user.name = changed.name.clone();
            user.status = changed.status;
        }
        Ok(())
    }

    async fn set_password(&mut self, id: UserId, password: &PasswordHash) -> Result<(), StoreError> {
        for (_, stored) in self.users.iter_mut().filter(|(user, _)| user.id == id) {
            *stored = password.clone();
        }
        Ok(())
    }

    async fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.users.retain(|(user, _)| user.id != id);
        self.memberships.retain(|(user, ..)| *user != id);
        self.sessions.retain(|(session, _)| session.user != id);
        Ok(())
    }
}

impl FakeStore {
    pub(crate) fn is_active(&self, id: UserId) -> bool {
        self.users.iter().any(|(user, _)| user.id == id && user.status == UserStatus::Active)
    }
}
