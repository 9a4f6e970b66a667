use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::LoginLookup;
use iam::{Email, PasswordHash, TenantReference, User};
use kernel::StoreError;
use kernel::ids::{TenantId, UserId};
use rbac::RoleKey;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::iam::{TenantColumns, user_name, user_status};
use crate::sql::{Prepared, sql};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(embed)]
    tenant: TenantColumns,
    #[diesel(embed)]
    user: Option<UserRow>,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
}

#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    email_norm: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    password_hash: String,
    #[diesel(sql_type = Text)]
    user_status: String,
    #[diesel(sql_type = Bool)]
    self_registered: bool,
    #[diesel(sql_type = Timestamptz)]
    user_created_at: DateTime<Utc>,
}

/// A single statement without an explicit transaction: `app.login_lookup` sets the tenant for the statement's own transaction.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    reference: &TenantReference,
    email: &Email,
) -> Result<Option<LoginLookup>, StoreError> {
    let (id, slug) = match reference {
        TenantReference::Id(id) => (Some(id.as_uuid()), None),
        TenantReference::Slug(slug) => (None, Some(slug.as_str())),
    };
    let row: Option<Row> = Prepared(
        sql("SELECT * FROM app.login_lookup($1, $2, $3)")
            .bind::<Nullable<SqlUuid>, _>(id)
            .bind::<Nullable<Text>, _>(slug)
            .bind::<Text, _>(email.normalized()),
    )
    .get_result(connection)
    .await
    .optional()
    .or_store_error()?;
    row.map(Row::into_lookup).transpose()
}

impl Row {
    fn into_lookup(self) -> Result<LoginLookup, StoreError> {
        Ok(LoginLookup {
            tenant: self.tenant.into_tenant(TenantId::from_uuid(self.tenant_id))?,
            user: self.user.map(UserRow::into_user).transpose()?,
            roles: self.roles.into_iter().map(RoleKey::from_stored).collect(),
        })
    }
}

impl UserRow {
    fn into_user(self) -> Result<(User, PasswordHash), StoreError> {
        let user = User {
            id: UserId::from_uuid(self.user_id),
            email: Email::from_stored(self.email, self.email_norm),
            name: user_name(&self.user_name)?,
            status: user_status(&self.user_status)?,
            self_registered: self.self_registered,
            created_at: self.user_created_at,
        };
        Ok((user, PasswordHash::from_stored(self.password_hash)))
    }
}
