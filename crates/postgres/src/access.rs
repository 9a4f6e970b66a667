use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::{Access, SessionStatus};
use iam::{Email, Tenant, TenantStatus, User, UserStatus};
use kernel::ids::{SessionId, UserId};
use kernel::{Permission, StoreError, TenantScope};
use rbac::RoleKey;
use tokens::{Session, SessionClient, VerifiedToken};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::iam::{self_registration, slug, tenant_name, user_name};
use crate::sql::{Prepared, sql};

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    key_is_usable: bool,
    #[diesel(sql_type = Text)]
    tenant_slug: String,
    #[diesel(sql_type = Text)]
    tenant_name: String,
    #[diesel(sql_type = Text)]
    self_registration: String,
    #[diesel(sql_type = Timestamptz)]
    tenant_created_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    email_norm: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Bool)]
    self_registered: bool,
    #[diesel(sql_type = Timestamptz)]
    user_created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    session_address: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    session_user_agent: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    session_created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    session_last_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    session_idle_expires_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    session_expires_at: DateTime<Utc>,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    permissions: Vec<String>,
}

/// A single statement without an explicit transaction: `app.session_access` sets the tenant for the statement's own transaction.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    scope: &TenantScope,
    verified: &VerifiedToken,
    now: DateTime<Utc>,
) -> Result<SessionStatus, StoreError> {
    let session = verified.claims.session;
    let row: Option<Row> = Prepared(
        sql("SELECT * FROM app.session_access($1, $2, $3, $4, $5)")
            .bind::<SqlUuid, _>(scope.tenant().as_uuid())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<Text, _>(&verified.kid)
            .bind::<SqlUuid, _>(verified.claims.token)
            .bind::<Timestamptz, _>(now),
    )
    .get_result(connection)
    .await
    .optional()
    .or_store_error()?;
    match row {
        None => Ok(SessionStatus::Ended),
        Some(row) if !row.key_is_usable => Ok(SessionStatus::KeyNotAccepted),
        Some(row) => Ok(SessionStatus::Active(Box::new(row.into_access(scope, session)?))),
    }
}

impl Row {
    fn into_access(self, scope: &TenantScope, session: SessionId) -> Result<Access, StoreError> {
        let user = UserId::from_uuid(self.user_id);
        Ok(Access {
            tenant: Tenant {
                id: scope.tenant(),
                slug: slug(&self.tenant_slug)?,
                name: tenant_name(&self.tenant_name)?,
                status: TenantStatus::Active,
                self_registration: self_registration(&self.self_registration)?,
                created_at: self.tenant_created_at,
            },
            user: User {
                id: user,
                email: Email::from_stored(self.email, self.email_norm),
                name: user_name(&self.user_name)?,
                status: UserStatus::Active,
                self_registered: self.self_registered,
                created_at: self.user_created_at,
            },
            session: Session {
                id: session,
                user,
                client: SessionClient {
                    address: self.session_address.and_then(|address| address.parse().ok()),
                    user_agent: self.session_user_agent,
                },
                created_at: self.session_created_at,
                last_seen_at: self.session_last_seen_at,
                idle_expires_at: self.session_idle_expires_at,
                expires_at: self.session_expires_at,
            },
            roles: self.roles.into_iter().map(RoleKey::from_stored).collect(),
            // Permissions that this build does not know are ignored.
            permissions: self.permissions.iter().filter_map(|key| key.parse::<Permission>().ok()).collect(),
        })
    }
}
