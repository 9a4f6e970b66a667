//! What spans domains: the [`Database`] port, which hands out transactions that are the repositories of all domains, and
//! the use cases that need more than one of them.
//!
//! | use case | what it does |
//! |---|---|
//! | [`sign_up`], [`register`], [`log_in`], [`authenticate`] | how a person gets in |
//! | [`refresh`], [`sessions()`], [`log_out`], [`end_session`] | how they stay in, and leave |
//! | [`change_password`] | how a person changes what they get in with |
//! | [`provision_tenant`], [`change_tenant_by_operator`] | what operators do with tenants |
//! | [`change_settings`] | what a tenant does with itself |
//! | [`users`], [`prepare_user`], [`create_user`], [`change_user`], [`delete_user`] | administering the users of a tenant |
//! | [`create_role`], [`change_role`], [`delete_role`] | administering the roles of a tenant |
//! | [`memberships`], [`grant_membership`], [`revoke_membership`] | who has which role |
//! | [`lock_authority`], [`keep_an_owner`] | what holds for all that gives or takes rights |
//! | [`claim_request`], [`keep_answer`] | a request that is sent again is carried out once, and answered as before |
//! | [`merge_contacts`], [`delete_contact`], [`change_conversation`] | what people do in the CRM that is audited, or depends on who may do what |
//! | [`connect_account`], [`add_account`], [`approve_account`] | a tenant claims its WhatsApp number, an operator connects or approves one |
//! | [`adopt_waiting`] | what came for a number before it was connected, or for a suspended tenant, is driven again |
//! | [`accept_delivery`] | a signed delivery becomes stored events |
//! | [`replay_event`], [`replay_events`], [`discard_event`] | people work with dead letters |
//! | [`split_again`], [`discard_tenantless_event`] | operators do with those that belong to no tenant |
//! | [`authenticate_operator`], [`create_provisioning_key`] | who is an operator |
//! | [`audited`] | what was done is written down with it |
//! | [`seal_audit_logs`] | what was done stays written as it was |
//! | [`change_subscription`], [`pay_invoice`], [`close_periods`], [`save_plan`] | what tenants pay for |
//! | [`process_events`] | stored events of one tenant become contacts, conversations and messages |
//! | [`note_failure`] | an event that failed is tried again later, or is a dead letter |
//! | [`SigningKeys`] | what a process knows of the deployment's signing keys |
//! | [`advance_signing_keys`], [`rotate_signing_keys`], [`revoke_signing_key`], [`reseal_signing_keys`] | the life of these keys |
//! | [`reseal_meta_apps`] | secrets move to another key-encryption key |
//!
//! A use case that needs one transaction is given it and never commits; the caller does, with [`settle`]. Those here
//! that take the [`Database`] itself do so because a password hash lies between their transactions, and no transaction
//! is held open across one.

#![deny(clippy::future_not_send)]

mod accept_delivery;
mod adopt_waiting;
mod approve_account;
mod audited;
mod authenticate;
mod authenticate_operator;
mod authority;
mod billing;
mod change_conversation;
mod change_password;
mod connect_account;
mod contacts;
mod database;
mod discard_event;
mod find_tenant;
mod found_tenant;
mod idempotency;
mod log_in;
mod memberships;
mod note_failure;
mod process_events;
mod provisioning_keys;
mod refresh;
mod register;
mod replay_events;
mod reseal_meta_apps;
mod roles;
mod rotate_signing_keys;
mod seal_audit_logs;
mod sessions;
mod sign_up;
mod signing_keys;
mod split_again;
mod tenants;
mod throttle;
mod tokens_for;
mod users;

pub use self::billing::{
    BillingTx, ChangeSubscriptionError, ChosenPlan, CloseFailure, ClosePeriodError, ClosedPeriods, PayInvoiceError,
    PlanTx, change_subscription, close_periods, close_periods_of, pay_invoice, save_plan,
};
pub use accept_delivery::{AcceptError, Accepted, DeliveryStore, accept_delivery};
pub use adopt_waiting::adopt_waiting;
pub use approve_account::{ApproveAccountError, ApproveTx, approve_account};
pub use audited::audited;
pub use authenticate::{AuthenticateError, authenticate};
pub use authenticate_operator::{OperatorAccess, authenticate_operator, note_refused_operator};
pub use authority::{AuthorityError, keep_an_owner, lock_authority};
pub use change_conversation::{ChangeConversationError, change_conversation};
pub use change_password::{ChangePassword, ChangePasswordError, change_password};
pub use connect_account::{ConnectAccountError, add_account, connect_account};
pub use contacts::{ContactDeskTx, delete_contact, merge_contacts};
pub use database::{
    Access, Admission, Admitted, Candidate, Commit, Database, DirectoryTx, IntakeTx, OperatorTx, Standing, TenantTx,
    settle,
};
pub use discard_event::{DiscardEventError, TenantlessEventDeskTx, discard_event, discard_tenantless_event};
pub use idempotency::{
    ANSWERS_KEPT, IdempotencyError, IdempotencyHousekeeping, IdempotencyKey, IdempotencyRepo, InvalidIdempotencyKey,
    KeptAnswer, KeyedRequest, Sender, claim_request, keep_answer,
};
pub use log_in::{LogIn, LogInError, log_in};
pub use memberships::{ChangeMembershipError, grant_membership, memberships, revoke_membership};
pub use note_failure::{AfterFailure, EventFailure, note_failure};
pub use process_events::{Buried, Processed, process_events};
pub use provisioning_keys::{
    CreateProvisioningKeyError, ProvisioningTx, create_provisioning_key, revoke_provisioning_key,
};
pub use refresh::{Refresh, RefreshError, refresh};
pub use register::{Register, RegisterError, register};
pub use replay_events::{EventDeskTx, ReplayEventError, count_replayable, replay_event, replay_events};
pub use reseal_meta_apps::reseal_meta_apps;
pub use roles::{
    ChangeRoleError, CreateRoleError, DeleteRoleError, NewRole, RolePatch, change_role, create_role, delete_role,
};
pub use rotate_signing_keys::{
    Advanced, Moved, RotateError, advance_signing_keys, reseal_signing_keys, revoke_signing_key, rotate_signing_keys,
};
pub use seal_audit_logs::seal_audit_logs;
pub use sessions::{LogOut, end_session, log_out, sessions};
pub use sign_up::{SignUp, SignUpError, sign_up};
pub use signing_keys::{SigningKeys, SigningKeysError};
pub use split_again::{SplitAgainError, SplitAgainTx, split_again};
pub use tenants::{
    OperatorTenantPatch, ProvisionError, ProvisionTenant, Provisioned, change_settings, change_tenant_by_operator,
    provision_tenant,
};
pub use throttle::Throttled;
pub use tokens_for::{Identity, LoggedIn, TokensError};
pub use users::{
    ChangeUserError, CreateUser, CreateUserError, Member, PreparedUser, UserPatch, change_user, create_user,
    delete_user, prepare_user, user, users,
};
