use async_trait::async_trait;
use audit::{AuditChainRepo, PlatformAuditReader, PlatformAuditRepo, Record, UnsealedDirectory};
use billing::BillingDirectory;
use chrono::{DateTime, Utc};
use crm::inbox::InboxTx;
use crm::{ContactRepo, ContactTx, ConversationRepo, ConversationTx, InteractionRepo, SearchRepo};
use iam::{
    CalmTries, Email, PasswordHash, Tenant, TenantDirectory, TenantReference, TenantRepo, ThrottleRepo, User, UserRepo,
};
use inbound::{AccountHealthRepo, ChannelRepo, EventHousekeeping, EventLedger, EventOutcomeRepo, MetaAppDirectory};
use kernel::{PermissionSet, StoreError, TenantScope};
use rbac::{MembershipRepo, RoleKey, RoleRepo};
use tokens::{RefreshTokenHash, Session, SessionHousekeeping, SessionRepo, SigningKeyRepo, Verified};

use crate::{
    ApproveTx, BillingTx, ContactDeskTx, EventDeskTx, IdempotencyHousekeeping, IdempotencyRepo, PlanTx, ProvisioningTx,
    SplitAgainTx, TenantlessEventDeskTx,
};

/// The database: where transactions come from. What a transaction offers depends on whose data it may see.
#[async_trait]
pub trait Database: CalmTries + Send + Sync {
    /// One tenant's data, and nothing else: row level security sees to it.
    async fn tenant(&self, scope: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError>;
    /// Which tenants and accounts there are.
    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError>;
    /// Webhook events of all tenants, and of none, and what their deliveries are checked with. Has connections of its own, so that it and the API cannot starve each
    /// other.
    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError>;
    /// What belongs to the deployment.
    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError>;
    /// Who is behind the session of a genuine token, if the session, its user, their tenant and the key that signed are all in force. Asked on
    /// each request, so it is one round trip rather than a transaction.
    async fn access(
        &self,
        scope: &TenantScope,
        verified: &Verified,
        now: DateTime<Utc>,
    ) -> Result<Standing, StoreError>;
    /// Who wants to log in, in one round trip, too; nothing if there is no such tenant.
    async fn candidate(&self, reference: &TenantReference, email: &Email) -> Result<Option<Candidate>, StoreError>;
    /// Lets somebody in whose password was verified: all that it takes, or nothing, in one round trip as well.
    async fn admit(&self, scope: &TenantScope, admission: &Admission<'_>) -> Result<Admitted, StoreError>;
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait TenantTx:
    TenantRepo
    + UserRepo
    + RoleRepo
    + MembershipRepo
    + SessionRepo
    + ChannelRepo
    + AccountHealthRepo
    + ContactRepo
    + ConversationRepo
    + InteractionRepo
    + InboxTx
    + ContactTx
    + ContactDeskTx
    + ConversationTx
    + SearchRepo
    + EventOutcomeRepo
    + EventDeskTx
    + AuditChainRepo
    + PlatformAuditRepo
    + IdempotencyRepo
    + BillingTx
    + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait DirectoryTx: TenantDirectory + UnsealedDirectory + ApproveTx + BillingDirectory + Commit {}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait IntakeTx:
    MetaAppDirectory + EventLedger + EventHousekeeping + TenantlessEventDeskTx + SplitAgainTx + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait OperatorTx:
    SigningKeyRepo
    + SessionHousekeeping
    + ThrottleRepo
    + IdempotencyHousekeeping
    + ProvisioningTx
    + PlanTx
    + PlatformAuditReader
    + Commit
{
}

/// How a transaction ends.
#[async_trait]
pub trait Commit: Send {
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// Ends a transaction as its outcome says: commits on `Ok`, rolls back on `Err`. What must stay although the caller is
/// refused is therefore an `Ok` with the refusal in it.
///
/// # Errors
/// The outcome's own, or that of the commit.
pub async fn settle<Tx, T, E>(tx: Box<Tx>, outcome: Result<T, E>) -> Result<T, E>
where
    Tx: Commit + ?Sized,
    E: From<StoreError>,
{
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The outcome is worth more than what the rollback says: a connection that cannot roll back is closed.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

/// How a session stands at this moment.
#[derive(Clone, Debug)]
pub enum Standing {
    InForce(Box<Access>),
    /// Tokens of the key that signed are not accepted any more, although the session is in force.
    KeyUnusable,
    /// The session, its user or their tenant is not in force.
    Over,
}

/// Who is behind a session, with the rights they have at this moment.
#[derive(Clone, Debug)]
pub struct Access {
    pub user: User,
    pub tenant: Tenant,
    pub session: Session,
    pub roles: Vec<RoleKey>,
    pub permissions: PermissionSet,
}

/// Somebody at the door, as they say.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub tenant: Tenant,
    /// If it has one with that address.
    pub user: Option<(User, PasswordHash)>,
    pub roles: Vec<RoleKey>,
}

/// What lets somebody in whose password was verified.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    pub session: &'a Session,
    pub token: &'a RefreshTokenHash,
    /// Sessions that the user may have in force, this one included; one at least.
    pub most: u16,
    /// The hash that their password was verified with.
    pub verified: &'a PasswordHash,
    /// Takes its place.
    pub renewed: Option<&'a PasswordHash>,
    pub record: &'a Record,
    /// The key that signs their access token.
    pub kid: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    Started,
    /// While the password was verified, it was changed, or the user suspended: their sessions have ended then, and this must
    /// not be one more. The tenant is looked at by each request.
    Changed,
    /// A session has to end first.
    Full,
    /// Another key signs at this moment.
    KeyReplaced,
}
