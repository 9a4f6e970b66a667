use async_trait::async_trait;
use audit::{AuditChainRepo, PlatformAuditReader, Record, UnsealedDirectory};
use billing::{BillingDirectory, UsageHousekeeping};
use channels::{AccountCredentialsDirectory, MetaAppDirectory};
use chrono::{DateTime, Utc};
use crm::{
    ContactJobDirectory, ContactRepo, ConversationRepo, ErasureHousekeeping, InteractionRepo, OldContentDirectory,
    SearchRepo,
};
use iam::{Email, PasswordHash, RateLimitFastPath, RateLimitRepo, Tenant, TenantDirectory, TenantReference, User};
use inbound::{EventHousekeeping, EventLedger};
use jobs::{JobLedger, JobRepo, JobScheduler};
use kernel::ids::ApiKeyId;
use kernel::{PermissionSet, StoreError, TenantScope};
use media::{MediaAtMetaRepo, MediaHousekeeping, MediaLedger, MediaRepo, ObjectRepo, ReceivedMediaRepo};
use outbound::{SendHousekeeping, SendLedger};
use rbac::RoleKey;
use tokens::{ApiKey, ApiKeyHash, ApiKeyHousekeeping, RefreshTokenHash, Session, SessionHousekeeping, VerifiedToken};

use crate::commit::Commit;
use crate::{
    AccountTx, ApiKeyTx, ApproveAccountTx, BillingTx, ChangeConversationTx, ChangeSettingsTx, ChangeTenantTx,
    ChangeUserTx, ConnectAccountTx, ContactJobTx, CreateUserTx, DiscardTenantlessEventTx, EndSessionTx,
    IdempotencyHousekeeping, IdempotencyRepo, JobTx, MemberTx, MergeContactsTx, MetaAppTx, OldContentTx,
    ProcessEventsTx, ProvisionTenantTx, ProvisioningKeyTx, PurgeAuditTx, RecordFailureTx, RefreshTemplateTx, RefreshTx,
    RegisterTx, ReparseDeliveryTx, ReplayEventsTx, RoleTx, SavePlanTx, SendMessageTx, SenderTx, SignUpTx, SigningKeyTx,
    StoreSendsTx, TemplateAccessTx, TemplateTx, UserSessionTx,
};

/// The database begins transactions. A transaction offers the repositories of the data that it may see.
#[async_trait]
pub trait Database: RateLimitFastPath + Send + Sync {
    /// Begins a transaction on the data of one tenant. Row level security hides all other data.
    async fn tenant(&self, scope: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError>;
    /// Begins a transaction on the list of tenants and accounts.
    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError>;
    /// Begins a transaction on the webhook events of all tenants and on the secrets that verify their deliveries. It has a
    /// connection pool of its own, so that webhooks and the API cannot starve each other.
    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError>;
    /// Begins a transaction on the deployment's data: signing keys, rate limits, plans, the platform's audit log.
    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError>;
    /// Reads the state of a verified token's session, user, tenant and signing key. Called on each request, so it is one round
    /// trip instead of a transaction.
    async fn access(
        &self,
        scope: &TenantScope,
        verified: &VerifiedToken,
        now: DateTime<Utc>,
    ) -> Result<SessionStatus, StoreError>;
    /// Reads an API key and its tenant, as they are now. Called on each request, so it is one round trip instead of a transaction.
    /// `None` if the tenant has no such key.
    async fn api_key_access(&self, scope: &TenantScope, key: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError>;
    /// Records that a key was used. Never a time before the recorded one.
    async fn record_api_key_use(
        &self,
        scope: &TenantScope,
        key: ApiKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Finds the tenant and the user of a login request, in one round trip. `None` if the tenant does not exist.
    async fn login_lookup(&self, reference: &TenantReference, email: &Email)
    -> Result<Option<LoginLookup>, StoreError>;
    /// Starts a session after the password was verified: everything or nothing, in one round trip.
    async fn start_session(
        &self,
        scope: &TenantScope,
        start: &StartSession<'_>,
    ) -> Result<StartSessionOutcome, StoreError>;
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait TenantTx:
    // What is read without a use case of this crate.
    AuditChainRepo
    + ContactRepo
    + ConversationRepo
    + InteractionRepo
    + SearchRepo
    // What use cases need.
    + AccountTx
    + ApiKeyTx
    + BillingTx
    + ChangeConversationTx
    + ChangeSettingsTx
    + ChangeTenantTx
    + ChangeUserTx
    + ConnectAccountTx
    + ContactJobTx
    + CreateUserTx
    + EndSessionTx
    + IdempotencyRepo
    + JobRepo
    + JobTx
    + MediaAtMetaRepo
    + MediaRepo
    + MemberTx
    + MergeContactsTx
    + MetaAppTx
    + ObjectRepo
    + OldContentTx
    + ProcessEventsTx
    + SendMessageTx
    + StoreSendsTx
    + SenderTx
    + ProvisionTenantTx
    + ReceivedMediaRepo
    + RecordFailureTx
    + RefreshTemplateTx
    + RefreshTx
    + RegisterTx
    + ReplayEventsTx
    + RoleTx
    + SignUpTx
    + TemplateAccessTx
    + TemplateTx
    + UserSessionTx
    + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait DirectoryTx:
    TenantDirectory
    + AccountCredentialsDirectory
    + UnsealedDirectory
    + ApproveAccountTx
    + BillingDirectory
    + ContactJobDirectory
    + OldContentDirectory
    + JobLedger
    + JobScheduler
    + MediaHousekeeping
    + MediaLedger
    + SendLedger
    + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait IntakeTx:
    MetaAppDirectory + EventLedger + EventHousekeeping + DiscardTenantlessEventTx + ReparseDeliveryTx + Commit
{
}

#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub trait OperatorTx:
    SigningKeyTx
    + SessionHousekeeping
    + ApiKeyHousekeeping
    + RateLimitRepo
    + IdempotencyHousekeeping
    + ErasureHousekeeping
    + UsageHousekeeping
    + SendHousekeeping
    + ProvisioningKeyTx
    + SavePlanTx
    + PlatformAuditReader
    + AuditChainRepo
    + PurgeAuditTx
    + Commit
{
}

/// The state of a session.
#[derive(Clone, Debug)]
pub enum SessionStatus {
    Active(Box<Access>),
    /// The session is active, but the key that signed the token is no longer accepted.
    KeyNotAccepted,
    /// The session has ended, or its user or tenant is suspended or deleted.
    Ended,
}

/// The user of an active session with their current permissions.
#[derive(Clone, Debug)]
pub struct Access {
    pub user: User,
    pub tenant: Tenant,
    pub session: Session,
    pub roles: Vec<RoleKey>,
    pub permissions: PermissionSet,
}

/// An API key as it is stored, with its tenant.
#[derive(Clone, Debug)]
pub struct StoredApiKey {
    pub key: ApiKey,
    pub tenant: Tenant,
    pub current: ApiKeyHash,
    /// Of the secret before the last rotation.
    pub previous: Option<ApiKeyHash>,
}

/// Tenant and user named by a login request.
#[derive(Clone, Debug)]
pub struct LoginLookup {
    pub tenant: Tenant,
    /// `None` if the tenant has no user with the email address.
    pub user: Option<(User, PasswordHash)>,
    pub roles: Vec<RoleKey>,
}

/// A session to start after the password was verified.
#[derive(Clone, Copy, Debug)]
pub struct StartSession<'a> {
    pub session: &'a Session,
    pub token: &'a RefreshTokenHash,
    /// Maximum number of active sessions of the user, this one included; at least one.
    pub session_limit: u16,
    /// The hash that the password was verified against.
    pub verified_hash: &'a PasswordHash,
    /// Replaces that hash, if given.
    pub new_hash: Option<&'a PasswordHash>,
    pub record: &'a Record,
    /// The key that signed the access token.
    pub kid: &'a str,
}

/// The outcome of [`Database::start_session`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartSessionOutcome {
    Started,
    /// Password or status of the user changed while the password was verified. Their sessions were ended then, so none may
    /// start. The status of the tenant is checked on each request.
    CredentialsChanged,
    /// The user has the maximum number of sessions.
    SessionLimitReached,
    /// The signing key is no longer the active one.
    SigningKeyReplaced,
}
