//! The [`Database`] port, whose transactions are the repositories of all domains, and the use cases that need more than one
//! domain.
//!
//! | use case | what it does |
//! |---|---|
//! | [`sign_up`], [`register`], [`log_in`], [`authenticate`] | logging in and checking access tokens |
//! | [`refresh`], [`sessions()`], [`log_out`], [`end_session`] | refreshing, listing and ending sessions |
//! | [`change_password`] | changing the own password |
//! | [`provision_tenant`], [`change_tenant_by_operator`] | operators create, rename and suspend tenants |
//! | [`change_settings`] | a tenant changes its settings |
//! | [`users`], [`prepare_user`], [`create_user`], [`change_user`], [`delete_user`] | administering the users of a tenant |
//! | [`create_api_key`], [`change_api_key`], [`rotate_api_key`], [`revoke_api_key`], [`authenticate_api_key`] | the keys of a tenant's programs |
//! | [`create_role`], [`change_role`], [`delete_role`] | administering the roles of a tenant |
//! | [`memberships`], [`grant_membership`], [`revoke_membership`] | granting and revoking roles |
//! | [`lock_authority`], [`require_active_owner`] | rules of all operations that grant or take permissions |
//! | [`claim_request`], [`store_response`] | a retried request is carried out once and gets the stored response |
//! | [`merge_contacts`], [`delete_contact`], [`change_conversation`] | CRM operations that are audited or depend on permissions |
//! | [`connect_account`], [`add_account`], [`approve_account`] | a tenant claims its WhatsApp number, an operator connects or approves one |
//! | [`change_account`], [`disconnect_account`], [`resume_account`] | names, settings and secrets of a number; disconnecting it; ending its pauses |
//! | [`check_account`], [`AccountCheckJob`] | asking Meta about the token, the number and its business account |
//! | [`create_meta_app`], [`change_meta_app`], [`delete_meta_app`] | a tenant's own Meta apps |
//! | [`requeue_held_and_unroutable`] | requeues events of numbers that were connected and of tenants that were reactivated |
//! | [`accept_delivery`] | stores the events of a verified delivery |
//! | [`replay_event`], [`replay_events`], [`discard_event`] | a tenant replays and discards dead letters |
//! | [`reparse_delivery`], [`discard_tenantless_event`] | an operator does so with events that belong to no tenant |
//! | [`authenticate_operator`], [`create_provisioning_key`] | operators and their keys |
//! | [`purge_audit_logs`] | replaces old audit records by summaries |
//! | [`seal_audit_logs`] | seals audit records against tampering |
//! | [`store_sends`], [`change_message`], [`cancel_message`], [`resend_message`], [`dismiss_message`] | what people want to be sent |
//! | [`react`], [`mark_read`], [`show_typing`] | what is told to Meta about a message |
//! | [`take_turn`], [`settle_number`], [`recover_number`] | the work of a sender on one number |
//! | [`change_subscription`], [`pay_invoice`], [`close_billing_periods`], [`save_plan`] | subscriptions, invoices and plans |
//! | [`process_events`] | turns stored events of one tenant into contacts, conversations and messages |
//! | [`templates()`], [`template`], [`create_template_at_meta`], [`edit_template_at_meta`], [`delete_template_at_meta`] | message templates |
//! | [`sync_templates`], [`TemplateSyncJob`], [`refresh_template`] | keep the copies of templates current |
//! | [`fill_template`] | checks a message against the copy of its template |
//! | [`jobs()`], [`retry_job`], [`discard_job`], [`JobHandler`] | durable work: what people do with it, and what runs a kind of it |
//! | [`attach_received`], [`DownloadMedia`], [`wake_waiting`] | received files are fetched from Meta |
//! | [`store_upload`], [`media_file`], [`retry_media`], [`thumbnail_of`], [`MediaUploadJob`] | files that people upload and read |
//! | [`sweep_unlinked`], [`sweep_unused`], [`sweep_stores`], [`delete_objects`], [`check_media`] | rows and the object store agree |
//! | [`record_failure`] | schedules the retry of a failed event, or makes it a dead letter |
//! | [`SigningKeys`] | the cache of the deployment's signing keys |
//! | [`advance_signing_keys`], [`rotate_signing_keys`], [`revoke_signing_key`], [`reseal_signing_keys`] | rotating, revoking and resealing them |
//! | [`reseal_meta_apps`], [`reseal_account_credentials`] | reseals secrets with another key-encryption key |
//!
//! A use case that needs one transaction takes it and never commits; the caller does, with [`settle`] or `database.in_tenant(scope, async |tx| ..)`. Use cases that take the
//! [`Database`] itself need several transactions, mostly because of a password hash: no transaction is held open across one.

#![deny(clippy::future_not_send)]

mod administration;
mod api_keys;
mod auth;
mod billing;
mod channels;
mod commit;
mod crm;
mod database;
mod events;
#[cfg(test)]
mod fake;
mod idempotency;
mod jobs;
mod media;
mod platform;
mod sending;
mod templates;
mod timer;
mod transaction;

pub use self::administration::{
    AuthorityError, AuthorityTx, ChangeMembershipError, ChangeRoleError, ChangeSettingsTx, ChangeTenantTx,
    ChangeUserError, ChangeUserTx, ChangedUser, CreateRoleError, CreateTenantTx, CreateUser, CreateUserError,
    CreateUserTx, DeleteRoleError, Member, MemberTx, NewRole, OperatorTenantPatch, PreparedUser, ProvisionError,
    ProvisionOutcome, ProvisionTenant, ProvisionTenantTx, RolePatch, RoleTx, UserPatch, change_role, change_settings,
    change_tenant_by_operator, change_user, create_role, create_user, delete_role, delete_user, grant_membership,
    lock_authority, memberships, prepare_user, provision_tenant, require_active_owner, revoke_membership, user, users,
};
pub use self::api_keys::{
    ApiKeyPatch, ApiKeyTx, ChangeApiKeyError, CreateApiKeyError, KeyAccess, NewApiKey, RotatedSecret, api_keys_of_user,
    authenticate_api_key, change_api_key, create_api_key, revoke_api_key, revoke_api_key_by_operator, rotate_api_key,
};
pub use self::auth::{
    AdvancedKeys, AuthService, AuthServiceError, AuthenticateError, ChangePassword, ChangePasswordError, EndSessionTx,
    LogIn, LogInError, LogOut, LoggedIn, RateLimited, Refresh, RefreshError, RefreshTx, Register, RegisterError,
    RegisterTx, RotateError, SessionLifetime, SignUp, SignUpError, SignUpTx, SigningKeyChange, SigningKeyTx,
    SigningKeys, SigningKeysError, StartSessionState, TooManyAccounts, UserSessionTx, advance_signing_keys,
    authenticate, authenticate_verified, change_password, create_signed_up, end_session, log_in, log_out, refresh,
    register, reseal_signing_keys, revoke_signing_key, rotate_signing_keys, sessions, sign_up, verify_token,
};
pub use self::billing::{
    BillingRun, BillingTx, ChangeSubscriptionError, ChosenPlan, ClosePeriodError, PayInvoiceError, SavePlanTx,
    TenantBillingFailure, change_subscription, close_billing_periods, close_tenant_periods, pay_invoice, save_plan,
};
pub use self::channels::{
    AccountTx, CheckAccountError, ConnectAccountError, ConnectAccountTx, MetaAppTx, add_account, change_account,
    change_meta_app, check_account, check_account_by_operator, connect_account, create_meta_app, delete_meta_app,
    disconnect_account, resume_account,
};
pub use self::crm::{
    ChangeConversationError, ChangeConversationTx, ContactJobTx, MergeContactsTx, OldContentTx, TenantJobRun,
    change_conversation, continue_contact_jobs, delete_contact, merge_contacts, renew_old_content,
};
pub use self::events::{
    AcceptError, Accepted, DeadLetter, DeliveryStore, DiscardEventError, DiscardTenantlessEventTx, EventFailure,
    FailureOutcome, LockedEvent, ProcessEventsTx, ProcessedEvents, RecordFailureTx, ReparseDeliveryError,
    ReparseDeliveryTx, ReplayEventError, ReplayEventsTx, ToldStatus, accept_delivery, count_replayable, discard_event,
    discard_events, discard_tenantless_event, discard_tenantless_events, lock_events, process_events, record_failure,
    reparse_delivery, replay_event, replay_events, requeue_held_and_unroutable,
};
pub use self::jobs::{
    AccountCheckJob, DeadJobError, JobBell, JobHandler, JobTx, MediaUploadJob, TemplateSyncJob, discard_job, jobs,
    retry_job,
};
pub use self::media::{
    CompareError, DownloadMedia, Downloaded, MediaCheck, MediaObserver, MediaProblem, MediaSweep, ObjectWrite,
    ReceiveMediaTx, RetryMediaError, RetryMediaTx, StoreUploadError, ThumbnailOutcome, UploadMediaTx, WriteError,
    attach_received, check_media, delete_objects, media_file, retry_media, store_upload, sweep_stores, sweep_unlinked,
    sweep_unused, thumbnail_of, wake_waiting,
};
pub use self::platform::{
    ApproveAccountError, ApproveAccountTx, AuditPurge, CreateProvisioningKeyError, OperatorAccess, OperatorKey,
    ProvisioningKeyTx, PurgeAuditTx, SealingFailure, SealingRun, approve_account, authenticate_operator,
    create_provisioning_key, purge_audit_logs, record_refused_operator, reseal_account_credentials, reseal_meta_apps,
    revoke_provisioning_key, seal_audit_logs,
};
pub use self::sending::{
    AboutMessageError, ChangeSendError, Destination, LeasedNumber, MessageRequest, NumberTurn, OutboundMessage, Quoted,
    Recipient, RenderMessage, SendAnswer, SendBell, SendFactsTx, SendMessageError, SendMessageTx, SendRequest,
    SendStore, SendTimes, SenderTx, Settlement, StartedSend, StoreSendError, StoreSendsTx, attempts, cancel_message,
    change_message, dismiss_message, mark_read, outbound_message, react, recover_number, resend_message, send_error,
    send_to_change, settle_number, show_typing, store_sends, take_turn, with_sends,
};
pub use self::templates::{
    ExampleUpload, NewTemplateAtMeta, RefreshTemplateTx, SyncTemplatesError, TemplateAccessTx, TemplateRefusal,
    TemplateSource, TemplateTx, UploadExamplesError, business_account_access, check_template_edit,
    claim_template_refresh, create_template_at_meta, delete_template_at_meta, edit_template_at_meta, fill_template,
    record_created_template, record_deleted_template, record_template_edit, refresh_refusing_template,
    refresh_template, sync_templates, template, templates,
};
pub use commit::Commit;
pub use database::{
    Access, Database, DirectoryTx, IntakeTx, LoginLookup, OperatorTx, SessionStatus, StartSession, StartSessionOutcome,
    StoredApiKey, TenantTx,
};
pub use idempotency::{
    IdempotencyError, IdempotencyHousekeeping, IdempotencyKey, IdempotencyRepo, InvalidIdempotencyKey, KeyedRequest,
    RESPONSE_RETENTION, Sender, StoredResponse, claim_request, store_response,
};
pub use timer::Timer;
pub use transaction::{in_transaction, settle};
