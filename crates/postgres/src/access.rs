use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use flows::{Access, SessionStatus};
use iam::{Email, Tenant, TenantStatus, User, UserStatus};
use kernel::ids::{SessionId, TenantId, UserId};
use kernel::{Permission, StoreError, TenantScope, error_chain};
use rbac::RoleKey;
use tokens::{Session, SessionClient, VerifiedToken};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::grouped_reads::GroupedReads;
use crate::iam::{self_registration, slug, tenant_name, user_name};
use crate::pool::ConnectionPool;
use crate::sql::{Prepared, sql, types};

/// With the place of its question.
#[derive(QueryableByName)]
struct PlacedRow {
    #[diesel(sql_type = types::BigInt)]
    place: i64,
    #[diesel(embed)]
    row: Row,
}

#[derive(QueryableByName)]
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

/// Who asks: what a verified token says, and when it was shown.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    session: SessionId,
    kid: String,
    token: Uuid,
    now: DateTime<Utc>,
}

/// The sessions of one tenant that are asked for at the same time are read together.
pub(crate) type AccessReads = GroupedReads<TenantId, Question, Result<SessionStatus, StoreError>>;

const ACCESS: &str = "
SELECT q.place - 1 AS place, a.*
  FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS q (session_id, kid, token_id, at, place)
 CROSS JOIN LATERAL app.session_access($1, q.session_id, q.kid, q.token_id, q.at) a";

/// Reads the state of a session.
pub(crate) async fn read(
    reads: &AccessReads,
    pool: &ConnectionPool,
    scope: &TenantScope,
    verified: &VerifiedToken,
    now: DateTime<Utc>,
) -> Result<SessionStatus, StoreError> {
    let VerifiedToken { claims, kid, .. } = verified;
    let question = Question { session: claims.session, kid: kid.clone(), token: claims.token, now };
    let (pool, tenant) = (pool.clone(), scope.tenant());
    let answer = reads.ask(tenant, question, move |questions| answers(pool.clone(), tenant, questions)).await;
    answer.unwrap_or_else(|| Err(StoreError::Unavailable("the read was interrupted".into())))
}

/// A question that was asked before is not read again.
async fn answers(
    pool: ConnectionPool,
    tenant: TenantId,
    questions: Vec<Question>,
) -> Vec<Result<SessionStatus, StoreError>> {
    let mut different: Vec<Question> = Vec::with_capacity(questions.len());
    let mut places = Vec::with_capacity(questions.len());
    for question in questions {
        let earlier = different.iter_mut().enumerate().find(|(_, earlier)| earlier.is_of_token(&question));
        let place = earlier.map(|(place, earlier)| {
            earlier.now = earlier.now.max(question.now);
            place
        });
        places.push(place.unwrap_or(different.len()));
        if place.is_none() {
            different.push(question);
        }
    }
    let found = read_all(&pool, tenant, &different).await;
    let answer = |place: usize| match &found {
        Ok(found) => found.get(place).map_or(Ok(SessionStatus::Ended), |found| found.as_ref().cloned().map_err(copy)),
        Err(error) => Err(copy(error)),
    };
    places.into_iter().map(answer).collect()
}

/// A single statement without an explicit transaction: `app.session_access` sets the tenant for the statement's own transaction.
async fn read_all(
    pool: &ConnectionPool,
    tenant: TenantId,
    questions: &[Question],
) -> Result<Vec<Result<SessionStatus, StoreError>>, StoreError> {
    let statement = sql(ACCESS)
        .bind::<types::Uuid, _>(tenant.as_uuid())
        .bind::<types::Uuids, _>(questions.iter().map(|it| it.session.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(questions.iter().map(|it| it.kid.as_str()).collect::<Vec<_>>())
        .bind::<types::Uuids, _>(questions.iter().map(|it| it.token).collect::<Vec<_>>())
        .bind::<types::Times, _>(questions.iter().map(|it| it.now).collect::<Vec<_>>());
    let rows: Vec<PlacedRow> = Prepared(statement).load(&mut *pool.get().await?).await.or_store_error()?;
    let mut found: Vec<_> = questions.iter().map(|_| Ok(SessionStatus::Ended)).collect();
    for PlacedRow { place, row } in rows {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let (Some(found), Some(question)) = (found.get_mut(place), questions.get(place)) {
            *found = if row.key_is_usable {
                row.into_access(tenant, question.session).map(|access| SessionStatus::Active(Box::new(access)))
            } else {
                Ok(SessionStatus::KeyNotAccepted)
            };
        }
    }
    Ok(found)
}

/// The same error for another request.
fn copy(error: &StoreError) -> StoreError {
    let text = error_chain(error);
    match error {
        StoreError::Unavailable(_) => StoreError::Unavailable(text.into()),
        StoreError::LimitExceeded(_) => StoreError::LimitExceeded(text.into()),
        StoreError::Retryable(_) => StoreError::Retryable(text.into()),
        StoreError::OutOfScope => StoreError::OutOfScope,
        StoreError::Conflict { .. } | StoreError::Other(_) => StoreError::Other(text.into()),
    }
}

impl Question {
    fn is_of_token(&self, other: &Self) -> bool {
        (self.session, &self.kid, self.token) == (other.session, &other.kid, other.token)
    }
}

impl Row {
    fn into_access(self, tenant: TenantId, session: SessionId) -> Result<Access, StoreError> {
        let user = UserId::from_uuid(self.user_id);
        Ok(Access {
            tenant: Tenant {
                id: tenant,
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
