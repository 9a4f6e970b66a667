//! In-memory repositories for the unit tests of this crate's use cases.

mod api_keys;
mod audit;
mod auth_service;
mod billing;
mod channels;
mod contacts;
mod events;
mod iam;
mod idempotency;
mod inbox;
mod jobs;
mod media;
mod pauses;
mod platform;
mod rate_limit;
mod rbac;
mod sealing;
mod sends;
mod templates;
mod tokens;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ::audit::{Action, Record, RequestOrigin};
use ::iam::{Email, PasswordHash, Slug, Tenant, TenantName, TenantWeight, User, UserName, UserRepo as _, UserStatus};
use ::jobs::Job;
use ::rbac::{MembershipRepo as _, Role, SystemRole};
use ::tokens::{
    RefreshToken, RefreshTokenHash, Session, SessionClient, SessionPolicy, SessionRepo as _, SigningKey,
    StoredRefreshToken,
};
use chrono::{DateTime, Utc};
use kernel::ids::{RoleId, TenantId, UserId};
use kernel::{Grant, Holder as _, ManualClock, Operator, Permit, StoreError, SystemEntropy, TenantScope};

use crate::Access;

pub(crate) use self::api_keys::{make_api_key, new_api_key};
pub(crate) use self::audit::changes;
pub(crate) use self::auth_service::{FakeAlgorithm, auth_service, hash_of};
pub(crate) use self::billing::{day, plan};
pub(crate) use self::channels::{FakeMeta, NUMBER, new_meta_app};
pub(crate) use self::rate_limit::FakeCounters;
pub(crate) use self::sealing::{NoEntropy, key_ring};

use self::api_keys::FakeApiKeys;
use self::billing::FakeBilling;
use self::channels::FakeChannels;
use self::contacts::FakeContacts;
use self::events::FakeEvents;
use self::idempotency::FakeIdempotency;
use self::inbox::FakeInbox;
use self::platform::FakeProvisioningKeys;
use self::sends::FakeSends;
use self::templates::FakeTemplates;

/// What the database holds of one tenant, and of the deployment.
#[derive(Debug)]
pub(crate) struct FakeStore {
    pub(crate) clock: Arc<ManualClock>,
    /// The user who acts.
    pub(crate) caller: UserId,
    pub(crate) audit_log: Vec<Record>,
    pub(crate) platform_audit_log: Vec<Record>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) tenant_weight: TenantWeight,
    /// Of other tenants.
    pub(crate) taken_slugs: Vec<String>,
    pub(crate) users: Vec<(User, PasswordHash)>,
    pub(crate) roles: Vec<Role>,
    pub(crate) memberships: Vec<(UserId, RoleId, DateTime<Utc>)>,
    /// Oldest first; with the time at which each was ended.
    pub(crate) sessions: Vec<(Session, Option<DateTime<Utc>>)>,
    pub(crate) refresh_tokens: Vec<(RefreshTokenHash, StoredRefreshToken)>,
    /// Another transaction holds the lock of the refresh tokens.
    pub(crate) refresh_token_is_locked: bool,
    pub(crate) signing_keys: Vec<SigningKey>,
    pub(crate) api_keys: FakeApiKeys,
    pub(crate) billing: FakeBilling,
    pub(crate) channels: FakeChannels,
    pub(crate) contacts: FakeContacts,
    pub(crate) events: FakeEvents,
    pub(crate) idempotency: FakeIdempotency,
    pub(crate) inbox: FakeInbox,
    pub(crate) jobs: Vec<Job>,
    pub(crate) provisioning_keys: FakeProvisioningKeys,
    pub(crate) sends: FakeSends,
    pub(crate) templates: FakeTemplates,
}

impl FakeStore {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::starting_at(at(0)));
        Self {
            caller: UserId::new(&*clock),
            clock,
            audit_log: Vec::new(),
            platform_audit_log: Vec::new(),
            tenant: None,
            tenant_weight: TenantWeight::default(),
            taken_slugs: Vec::new(),
            users: Vec::new(),
            roles: Vec::new(),
            memberships: Vec::new(),
            sessions: Vec::new(),
            refresh_tokens: Vec::new(),
            refresh_token_is_locked: false,
            signing_keys: Vec::new(),
            api_keys: Vec::new(),
            billing: FakeBilling::default(),
            channels: FakeChannels::default(),
            contacts: FakeContacts::default(),
            events: FakeEvents::default(),
            idempotency: FakeIdempotency::default(),
            inbox: FakeInbox::default(),
            jobs: Vec::new(),
            provisioning_keys: FakeProvisioningKeys::default(),
            sends: FakeSends::default(),
            templates: FakeTemplates::default(),
        }
    }

    /// A tenant with its system roles, whose caller is the only owner.
    pub(crate) fn with_owner() -> Self {
        let mut store = Self::new();
        let (name, slug) = (TenantName::parse("Acme").unwrap(), Slug::parse("acme").unwrap());
        store.tenant = Some(Tenant { id: TENANT, ..Tenant::new(name, slug, &*store.clock) });
        let role = |role: &SystemRole| role.with_id(RoleId::new(&*store.clock), at(0));
        store.roles = SystemRole::ALL.iter().map(role).collect();
        store.caller = store.add_user("owner", SystemRole::Owner);
        store
    }

    /// Adds a user with a role, whose password is `<name>'s password`.
    pub(crate) fn add_user(&mut self, name: &str, role: SystemRole) -> UserId {
        let email = Email::parse(&format!("{name}@acme.example")).unwrap();
        let user = User::new(email, UserName::parse(name).unwrap(), false, &*self.clock);
        let id = user.id;
        self.users.push((user, hash_of(&format!("{name}'s password"))));
        self.memberships.push((id, self.system_role(role), at(0)));
        id
    }

    pub(crate) fn system_role(&self, role: SystemRole) -> RoleId {
        self.roles.iter().find(|stored| stored.key == role.key()).unwrap().id
    }

    pub(crate) fn suspend(&mut self, id: UserId) {
        for (user, _) in self.users.iter_mut().filter(|(user, _)| user.id == id) {
            user.status = UserStatus::Suspended;
        }
    }

    /// A permit of the caller.
    #[expect(clippy::disallowed_methods, reason = "unit tests of use cases that demand a permit")]
    pub(crate) fn permit<P: Grant>(&self) -> Permit<P> {
        Permit::new(TenantScope::mint(TENANT), P::Holder::of(self.caller.into()).unwrap())
    }

    /// The actions in the tenant's audit log.
    pub(crate) fn audited(&self) -> Vec<Action> {
        self.audit_log.iter().map(|record| record.action).collect()
    }

    /// The actions in the platform's audit log.
    pub(crate) fn audited_on_platform(&self) -> Vec<Action> {
        self.platform_audit_log.iter().map(|record| record.action).collect()
    }
}

/// Starts a session of the caller.
pub(crate) fn start_session(store: &mut FakeStore) -> (Session, RefreshToken) {
    let session = Session::start(store.caller, SessionClient::default(), &SessionPolicy::DEFAULT, &*store.clock);
    let token = RefreshToken::generate(TENANT, &SystemEntropy::new()).unwrap();
    run(store.start_session(&session, &token.hash())).unwrap();
    (session, token)
}

/// A request of the caller, in a session of its own.
pub(crate) fn access(store: &mut FakeStore) -> Access {
    let (session, _) = start_session(store);
    let (user, _) = run(store.lock_user(store.caller)).unwrap().unwrap();
    let (roles, permissions) = (run(store.role_keys(user.id)).unwrap(), run(store.permissions(user.id)).unwrap());
    Access { user, tenant: store.tenant.clone().unwrap(), session, roles, permissions }
}

/// The tenant of all unit tests.
pub(crate) const TENANT: TenantId = TenantId::from_uuid(uuid::Uuid::from_u128(1));

/// An operator at the command line.
#[expect(clippy::disallowed_methods, reason = "unit tests of use cases that demand an operator")]
pub(crate) const fn operator() -> Operator {
    Operator::from_command_line()
}

/// Where requests of unit tests come from.
pub(crate) fn origin() -> RequestOrigin {
    RequestOrigin::default()
}

/// Runs a use case on in-memory repositories, which never wait.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an in-memory repository never waits"),
    }
}

/// The error of a violated constraint.
pub(crate) fn conflict(constraint: &str) -> StoreError {
    StoreError::Conflict { constraint: constraint.to_owned() }
}

/// A time in seconds.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}
