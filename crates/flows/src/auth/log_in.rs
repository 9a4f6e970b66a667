use std::net::IpAddr;

use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{
    Email, Password, PasswordHash, PasswordVerification, Tenant, TenantReference, TenantStatus, User, UserStatus,
    network,
};
use kernel::ids::{TenantId, UserId};
use kernel::{StoreError, TenantScope};
use rbac::RoleKey;
use tokens::{Session, SessionClient, SessionRepo};
use uuid::Uuid;

use super::log_fields::log_tenant;
use super::ports::UserSessionTx;
use super::rate_limit::{AttemptOutcome, Reservation, ReserveError};
use super::sessions::record_session_ended;
use crate::platform::{append_platform_record, append_tenant_record};
use crate::{
    AuthService, AuthServiceError, LoggedIn, LoginLookup, RateLimited, StartSession, StartSessionOutcome, settle,
};

/// A login request.
#[derive(Debug)]
pub struct LogIn {
    pub tenant: TenantReference,
    pub email: Email,
    pub password: Password,
    pub client: SessionClient,
    pub origin: RequestOrigin,
}

#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// The same error for an unknown tenant, an unknown user, a wrong password and a suspension.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// The user and tenant as they were when the password was verified.
struct VerifiedUser {
    tenant: Tenant,
    user: User,
    stored: PasswordHash,
    roles: Vec<RoleKey>,
    renewed: Option<PasswordHash>,
}

/// Why a login was refused. Only the audit log tells the reason.
struct LoginRefusal {
    tenant: Option<TenantId>,
    user: Option<UserId>,
    why: &'static str,
}

/// Logs a user in by their password. Each refusal costs the same work, so that its time does not tell the reason. The future
/// must be polled to completion even if the client disconnects: an attempt without an outcome counts as a failure.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(auth: &AuthService, input: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { tenant, email, password, client, origin } = input;
    let lookup = auth.database.login_lookup(&tenant, &email).await?;
    if let Some(lookup) = &lookup {
        log_tenant(&lookup.tenant);
    }
    let name = tenant.rate_limit_name(lookup.as_ref().map(|lookup| &lookup.tenant));
    let reservation = reserve(auth, lookup.as_ref(), &name, &email, client.address).await?;
    let verified = verify(auth, lookup, password).await;
    let outcome = match &verified {
        Ok(Ok(_)) => AttemptOutcome::Succeeded,
        Ok(Err(_)) => AttemptOutcome::Failed,
        Err(_) => AttemptOutcome::Aborted,
    };
    auth.finish_attempt(reservation, outcome).await?;
    let verified_user = match verified? {
        Ok(verified_user) => verified_user,
        Err(refused) => {
            record_refusal(auth, &refused, &name, origin).await?;
            return Err(LogInError::InvalidCredentials);
        }
    };
    start_session(auth, verified_user, client, origin).await
}

/// Reserves the attempt. Too many guesses from many addresses close the account to strangers only: addresses from which its user
/// has a session may still try, with the limits that hold for them.
async fn reserve(
    auth: &AuthService,
    lookup: Option<&LoginLookup>,
    tenant: &str,
    email: &Email,
    address: Option<IpAddr>,
) -> Result<Reservation, ReserveError> {
    let refusal = match auth.reserve_attempt(auth.rate_limiter.login_buckets(tenant, email, address)).await {
        Err(ReserveError::AddressUnknown(refusal)) => refusal,
        outcome => return outcome,
    };
    let Some(lookup) = lookup else { return Err(refusal.into()) };
    // Asked for an unknown user, too: the response time must not tell.
    let user = lookup.user.as_ref().map_or(UserId::from_uuid(Uuid::nil()), |(user, _)| user.id);
    let known = session_addresses(auth, &scope(lookup.tenant.id), user).await.map_err(AuthServiceError::from)?;
    if !is_known(&known, address) {
        return Err(refusal.into());
    }
    auth.reserve_attempt(auth.rate_limiter.account_buckets(tenant, email, address)).await
}

async fn session_addresses(auth: &AuthService, scope: &TenantScope, user: UserId) -> Result<Vec<IpAddr>, StoreError> {
    let mut tx = auth.database.tenant(scope).await?;
    let found = SessionRepo::session_addresses(&mut *tx, user).await;
    settle(tx, found).await
}

/// Whether a user had a session from the network of this address.
fn is_known(known: &[IpAddr], address: Option<IpAddr>) -> bool {
    address.is_some() && known.iter().any(|known| network(Some(*known)) == network(address))
}

/// Checks tenant, user and password. A password is verified in every case: the response time must not tell what was wrong.
async fn verify(
    auth: &AuthService,
    lookup: Option<LoginLookup>,
    password: Password,
) -> Result<Result<VerifiedUser, LoginRefusal>, AuthServiceError> {
    let Some(LoginLookup { tenant, user, roles }) = lookup else {
        auth.hasher.verify_dummy(password, &*auth.entropy).await?;
        return Ok(Err(LoginRefusal { tenant: None, user: None, why: "unknown_tenant" }));
    };
    let Some((user, stored)) = user else {
        auth.hasher.verify_dummy(password, &*auth.entropy).await?;
        return Ok(Err(LoginRefusal { tenant: Some(tenant.id), user: None, why: "unknown_user" }));
    };
    let may_work = tenant.status == TenantStatus::Active && user.status == UserStatus::Active;
    let verification = auth.hasher.verify(password, stored.clone(), may_work, &*auth.entropy).await?;
    let why = match verification {
        PasswordVerification::Match { renewed } if may_work => {
            return Ok(Ok(VerifiedUser { tenant, user, stored, roles, renewed }));
        }
        PasswordVerification::Mismatch => "wrong_password",
        PasswordVerification::Match { .. } if tenant.status == TenantStatus::Suspended => "suspended_tenant",
        PasswordVerification::Match { .. } => "suspended_user",
    };
    Ok(Err(LoginRefusal { tenant: Some(tenant.id), user: Some(user.id), why }))
}

async fn start_session(
    auth: &AuthService,
    verified_user: VerifiedUser,
    client: SessionClient,
    origin: RequestOrigin,
) -> Result<LoggedIn, LogInError> {
    let VerifiedUser { tenant, user, stored, roles, renewed } = verified_user;
    let scope = scope(tenant.id);
    let record =
        Record::new(Principal::User(user.id), origin, Action::UserLoggedIn, &*auth.clock).about(target::USER, &user.id);
    let mut new_session = auth.new_session(tenant.id, user.id, client)?;
    // Repeats when another login took the last session, or when the signing key was replaced.
    loop {
        let start = StartSession {
            session: &new_session.session,
            token: &new_session.refresh_token.hash(),
            session_limit: auth.sessions.per_user.max(1),
            verified_hash: &stored,
            new_hash: renewed.as_ref(),
            record: &record,
            kid: &new_session.issued.kid,
        };
        match auth.database.start_session(&scope, &start).await? {
            StartSessionOutcome::Started => return Ok(auth.logged_in(tenant, user, roles, new_session.into_tokens())),
            StartSessionOutcome::CredentialsChanged => return Err(LogInError::InvalidCredentials),
            StartSessionOutcome::SessionLimitReached => enforce_session_limit(auth, &scope, &start).await?,
            StartSessionOutcome::SigningKeyReplaced => {
                auth.reload_keys().await?;
                new_session = auth.new_session(tenant.id, user.id, new_session.session.client)?;
            }
        }
    }
}

/// Ends the oldest sessions of a user at the session limit, if their credentials are still those that were verified.
async fn enforce_session_limit(
    auth: &AuthService,
    scope: &TenantScope,
    start: &StartSession<'_>,
) -> Result<(), StoreError> {
    let mut tx = auth.database.tenant(scope).await?;
    let outcome = end_oldest_sessions(auth, &mut *tx, start).await;
    settle(tx, outcome).await
}

async fn end_oldest_sessions(
    auth: &AuthService,
    tx: &mut dyn UserSessionTx,
    start: &StartSession<'_>,
) -> Result<(), StoreError> {
    let Session { user, client, created_at, .. } = start.session;
    let Some((locked, hash)) = tx.lock_user(*user).await? else { return Ok(()) };
    if locked.status != UserStatus::Active || hash.as_phc() != start.verified_hash.as_phc() {
        return Ok(());
    }
    let origin = RequestOrigin { address: client.address, ..RequestOrigin::default() };
    for ended in tx.end_oldest_sessions(*user, start.session_limit - 1, *created_at).await? {
        record_session_ended(tx, *user, ended, "too_many", origin.clone(), &*auth.clock).await?;
    }
    Ok(())
}

/// Appends a refused login to the tenant's audit log, or to the platform's if the tenant is unknown. The rate limit bounds
/// the number of records.
async fn record_refusal(
    auth: &AuthService,
    refused: &LoginRefusal,
    named: &str,
    origin: RequestOrigin,
) -> Result<(), StoreError> {
    let record = Record::new(Principal::Anonymous, origin, Action::UserLoggedIn, &*auth.clock)
        .with("reason", refused.why)
        .refused();
    let Some(tenant) = refused.tenant else {
        return append_platform_record(&*auth.database, &record.about(target::TENANT, &named)).await;
    };
    let record = match refused.user {
        Some(user) => record.about(target::USER, &user),
        None => record,
    };
    append_tenant_record(&*auth.database, &scope(tenant), &record).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the login request names the tenant; its user's password is then checked"
)]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

impl From<StoreError> for LogInError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReserveError> for LogInError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::RateLimited(refusal) | ReserveError::AddressUnknown(refusal) => refusal.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, access, auth_service, hash_of, run};

    fn lookup(store: &FakeStore) -> LoginLookup {
        let user = store.users.iter().find(|(user, _)| user.id == store.caller).cloned();
        LoginLookup { tenant: store.tenant.clone().unwrap(), user, roles: vec![SystemRole::Owner.key()] }
    }

    fn verify_lookup(lookup: Option<LoginLookup>, password: &str) -> Result<VerifiedUser, LoginRefusal> {
        let auth = auth_service(&mut FakeStore::new());
        run(verify(&auth, lookup, Password::for_login(password).unwrap())).unwrap()
    }

    fn why(lookup: Option<LoginLookup>, password: &str) -> &'static str {
        verify_lookup(lookup, password).err().map_or("accepted", |refusal| refusal.why)
    }

    #[test]
    fn each_refusal_names_its_reason_for_the_audit_log() {
        let store = FakeStore::with_owner();
        let found = lookup(&store);
        let without_user = LoginLookup { user: None, ..found.clone() };
        let mut suspended_user = found.clone();
        suspended_user.user.as_mut().unwrap().0.status = UserStatus::Suspended;
        let mut suspended_tenant = found.clone();
        suspended_tenant.tenant.status = TenantStatus::Suspended;
        assert_eq!(why(None, "owner's password"), "unknown_tenant");
        assert_eq!(why(Some(without_user), "owner's password"), "unknown_user");
        assert_eq!(why(Some(found.clone()), "wrong"), "wrong_password");
        assert_eq!(why(Some(suspended_user.clone()), "wrong"), "wrong_password");
        assert_eq!(why(Some(suspended_user), "owner's password"), "suspended_user");
        assert_eq!(why(Some(suspended_tenant), "owner's password"), "suspended_tenant");
        assert_eq!(why(Some(found), "owner's password"), "accepted");
    }

    #[test]
    fn outdated_hash_is_renewed_for_active_users_only() {
        let store = FakeStore::with_owner();
        let mut found = lookup(&store);
        let hash = hash_of("owner's password");
        found.user.as_mut().unwrap().1 = PasswordHash::from_stored(format!("outdated {}", hash.as_phc()));
        let verified = verify_lookup(Some(found.clone()), "owner's password").ok().unwrap();
        assert_eq!(verified.renewed.unwrap().as_phc(), hash.as_phc());
        found.tenant.status = TenantStatus::Suspended;
        assert_eq!(why(Some(found), "owner's password"), "suspended_tenant");
    }

    #[test]
    fn address_is_known_by_its_network() {
        let parse = |text: &str| -> IpAddr { text.parse().unwrap() };
        let known = [parse("192.0.2.1"), parse("2001:db8::1")];
        for (address, expected) in [("192.0.2.1", true), ("192.0.2.2", false), ("2001:db8::ffff", true)] {
            assert_eq!(is_known(&known, Some(parse(address))), expected, "{address}");
        }
        assert!(!is_known(&known, None));
    }

    #[test]
    fn login_fails_without_a_database() {
        let auth = auth_service(&mut FakeStore::new());
        let input = LogIn {
            tenant: "acme".parse().unwrap(),
            email: Email::parse("owner@acme.example").unwrap(),
            password: Password::for_login("owner's password").unwrap(),
            client: SessionClient::default(),
            origin: RequestOrigin::default(),
        };
        assert!(matches!(run(log_in(&auth, input)), Err(LogInError::Failed(AuthServiceError::Store(_)))));
    }

    /// Makes room for a session of the caller whose password was verified against `verified`.
    fn make_room(store: &mut FakeStore, limit: u16, verified: &PasswordHash) {
        let auth = auth_service(store);
        let tokens = auth.new_session(crate::fake::TENANT, store.caller, SessionClient::default()).unwrap();
        let start = StartSession {
            session: &tokens.session,
            token: &tokens.refresh_token.hash(),
            session_limit: limit,
            verified_hash: verified,
            new_hash: None,
            record: &Record::new(Principal::System, RequestOrigin::default(), Action::UserLoggedIn, &*auth.clock),
            kid: &tokens.issued.kid,
        };
        run(end_oldest_sessions(&auth, store, &start)).unwrap();
    }

    #[test]
    fn oldest_sessions_end_until_one_more_fits() {
        let mut store = FakeStore::with_owner();
        let mut sessions = Vec::new();
        for _ in 0..4 {
            store.clock.advance(TimeDelta::minutes(1));
            sessions.push(access(&mut store).session.id);
        }
        make_room(&mut store, 3, &hash_of("owner's password"));
        let active = store.active_sessions(store.caller, kernel::Clock::now(&*store.clock));
        assert_eq!(active.iter().map(|session| session.id).collect::<Vec<_>>(), sessions[2..]);
        let reasons: Vec<_> = store.audit_log.iter().map(|record| &record.changes["reason"]).collect();
        assert_eq!(reasons, ["too_many", "too_many"]);
    }

    #[test]
    fn no_session_ends_if_credentials_changed_meanwhile() {
        let mut store = FakeStore::with_owner();
        access(&mut store);
        make_room(&mut store, 1, &hash_of("former password"));
        store.suspend(store.caller);
        make_room(&mut store, 1, &hash_of("owner's password"));
        assert_eq!(store.active_sessions(store.caller, kernel::Clock::now(&*store.clock)).len(), 1);
        assert!(store.audit_log.is_empty());
    }
}
