use async_trait::async_trait;
use audit::{AuditChainRepo, UnsealedDirectory};
use chrono::{DateTime, Utc};
use crm::inbox::InboxTx;
use crm::{ContactRepo, ContactTx, ConversationRepo, ConversationTx, InteractionRepo, SearchRepo};
use iam::{Tenant, TenantDirectory, TenantRepo, ThrottleRepo, User, UserRepo};
use inbound::{AccountHealthRepo, ChannelRepo, EventHousekeeping, EventLedger, EventOutcomeRepo, MetaAppDirectory};
use kernel::ids::SessionId;
use kernel::{PermissionSet, StoreError, TenantScope};
use rbac::{MembershipRepo, RoleKey, RoleRepo};
use tokens::{Session, SessionRepo, SigningKeyRepo};

use crate::{
    ApproveTx, ContactDeskTx, EventDeskTx, IdempotencyHousekeeping, IdempotencyRepo, ProvisioningTx, SplitAgainTx,
    TenantlessEventDeskTx,
};

/// The database: where transactions come from. What a transaction offers depends on whose data it may see.
#[async_trait]
pub trait Database: Send + Sync {
    /// One tenant's data, and nothing else: row level security sees to it.
    async fn tenant(&self, scope: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError>;
    /// Which tenants and accounts there are.
    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError>;
    /// Webhook events of all tenants, and of none, and what their deliveries are checked with. Has connections of its own, so that it and the API cannot starve each
    /// other.
    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError>;
    /// What belongs to the deployment.
    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError>;
    /// Who is behind a session, if the session, its user and their tenant are all in force. Asked on each request, so it
    /// is one round trip rather than a transaction.
    async fn access(
        &self,
        scope: &TenantScope,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Access>, StoreError>;
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
    + IdempotencyRepo
    + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait DirectoryTx: TenantDirectory + UnsealedDirectory + ApproveTx + Commit {}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait IntakeTx:
    MetaAppDirectory + EventLedger + EventHousekeeping + TenantlessEventDeskTx + SplitAgainTx + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait OperatorTx: SigningKeyRepo + ThrottleRepo + IdempotencyHousekeeping + ProvisioningTx + Commit {}

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

/// Who is behind a session, with the rights they have at this moment.
#[derive(Clone, Debug)]
pub struct Access {
    pub user: User,
    pub tenant: Tenant,
    pub session: Session,
    pub roles: Vec<RoleKey>,
    pub permissions: PermissionSet,
}
