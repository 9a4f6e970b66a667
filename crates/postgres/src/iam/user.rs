use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use iam::{Email, PasswordHash, User, UserRepo};
use kernel::ids::UserId;
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::{user_name, user_status};
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::users;
use crate::transaction::{Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: Uuid,
    email: String,
    email_norm: String,
    name: String,
    password_hash: String,
    status: String,
    self_registered: bool,
    created_at: DateTime<Utc>,
}

#[async_trait]
impl UserRepo for Tx<Tenant> {
    async fn insert_user(&mut self, user: &User, password: &PasswordHash) -> Result<(), StoreError> {
        diesel::insert_into(users::table)
            .values((
                users::tenant_id.eq(self.tenant_id()),
                users::id.eq(user.id.as_uuid()),
                users::email.eq(user.email.as_written()),
                users::email_norm.eq(user.email.normalized()),
                users::name.eq(user.name.as_str()),
                users::password_hash.eq(password.as_phc()),
                users::status.eq(user.status.into_str()),
                users::self_registered.eq(user.self_registered),
                users::created_at.eq(user.created_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn user_by_email(&mut self, email: &Email) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let row: Option<Row> = users::table
            .filter(users::tenant_id.eq(self.tenant_id()))
            .filter(users::email_norm.eq(email.normalized()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_user).transpose()
    }

    async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row: Option<Row> = users::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(|row| row.into_user().map(|(user, _)| user)).transpose()
    }

    async fn lock_user(&mut self, id: UserId) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let row: Option<Row> = users::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_user).transpose()
    }

    async fn users(&mut self, page: &PageRequest) -> Result<Page<User>, StoreError> {
        let mut query = users::table
            .filter(users::tenant_id.eq(self.tenant_id()))
            .order((users::created_at.desc(), users::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, users::created_at, users::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let users = rows.into_iter().map(|row| row.into_user().map(|(user, _)| user)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(users, page.limit, |user| Cursor::new(user.created_at, user.id.as_uuid())))
    }

    async fn update_user(&mut self, user: &User) -> Result<(), StoreError> {
        diesel::update(users::table.find((self.tenant_id(), user.id.as_uuid())))
            .set((users::name.eq(user.name.as_str()), users::status.eq(user.status.into_str())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn set_password(&mut self, id: UserId, password: &PasswordHash) -> Result<(), StoreError> {
        diesel::update(users::table.find((self.tenant_id(), id.as_uuid())))
            .set(users::password_hash.eq(password.as_phc()))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        diesel::delete(users::table.find((self.tenant_id(), id.as_uuid())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

impl Row {
    fn into_user(self) -> Result<(User, PasswordHash), StoreError> {
        let user = User {
            id: UserId::from_uuid(self.id),
            email: Email::from_stored(self.email, self.email_norm),
            name: user_name(&self.name)?,
            status: user_status(&self.status)?,
            self_registered: self.self_registered,
            created_at: self.created_at,
        };
        Ok((user, PasswordHash::from_stored(self.password_hash)))
    }
}
