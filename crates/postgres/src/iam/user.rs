use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use iam::{Email, PasswordHash, User, UserRepo, UserStatus};
use kernel::StoreError;
use kernel::ids::UserId;
use uuid::Uuid;

use super::user_name;
use crate::error::OrStoreError;
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
                users::status.eq(match user.status {
                    UserStatus::Active => "active",
                    UserStatus::Suspended => "suspended",
                }),
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
}

impl Row {
    fn into_user(self) -> Result<(User, PasswordHash), StoreError> {
        let user = User {
            id: UserId::from_uuid(self.id),
            email: Email::from_stored(self.email, self.email_norm),
            name: user_name(&self.name)?,
            status: match self.status.as_str() {
                "active" => UserStatus::Active,
                "suspended" => UserStatus::Suspended,
                _ => return Err(StoreError::corrupt("users.status")),
            },
            self_registered: self.self_registered,
            created_at: self.created_at,
        };
        Ok((user, PasswordHash::from_stored(self.password_hash)))
    }
}
