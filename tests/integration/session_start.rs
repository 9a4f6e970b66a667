//! `start_session` decides as its specification says, and stores all its rows or none.

use std::fmt::Write as _;

use audit::{Action, Principal, Record, RequestOrigin};
use chrono::TimeDelta;
use flows::{Database as _, SessionLifetime, StartSession, StartSessionOutcome, StartSessionState};
use iam::{PasswordHash, UserStatus};
use kernel::{Clock as _, SystemEntropy, TenantScope};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokens::{RefreshToken, Session, SessionClient, SessionPolicy};

use crate::kit::app::{Settings, TestApp, TestTenant};

/// The number of the tenant's rows in a table.
async fn rows(app: &TestApp, tenant: &TestTenant, table: &str) -> i64 {
    app.database.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{}'", tenant.id)).await
}

/// Starts a session for the owner. `hashes` are the verified password hash and its replacement.
async fn start_session(
    app: &TestApp,
    tenant: &TestTenant,
    hashes: (&str, Option<&str>),
    kid: &str,
    session_limit: u16,
) -> StartSessionOutcome {
    let id = tenant.id.parse().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the tenant is this test's")]
    let scope = TenantScope::mint(id);
    let user = app.database.text(&format!("SELECT id::text AS finding FROM users WHERE tenant_id = '{id}'")).await;
    let user = user.parse().unwrap();
    let session = Session::start(user, SessionClient::default(), &SessionPolicy::DEFAULT, &*app.clock);
    let token = RefreshToken::generate(id, &SystemEntropy::new()).unwrap().hash();
    let record = Record::new(Principal::User(user), RequestOrigin::default(), Action::UserLoggedIn, &*app.clock);
    let verified_hash = PasswordHash::from_stored(hashes.0.to_owned());
    let new_hash = hashes.1.map(|hash| PasswordHash::from_stored(hash.to_owned()));
    let (session, token, verified_hash, new_hash, record) =
        (&session, &token, &verified_hash, new_hash.as_ref(), &record);
    let request = StartSession { session, token, session_limit, verified_hash, new_hash, record, kid };
    app.postgres.start_session(&scope, &request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_session_start_leaves_no_rows() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let stored = format!("SELECT password_hash AS finding FROM users WHERE tenant_id = '{}'", tenant.id);
    let stored = async || app.database.text(&stored).await;
    let set = async |status: &str| {
        app.database.execute(&format!("UPDATE users SET status = '{status}' WHERE tenant_id = '{}'", tenant.id)).await;
    };
    let hash = stored().await;
    let kid = app.database.text("SELECT kid AS finding FROM signing_keys WHERE state = 'active'").await;
    let tables = ["sessions", "refresh_tokens", "audit_records", "audit_unsealed"];
    let mut before = Vec::new();
    for table in tables {
        before.push(rows(&app, &tenant, table).await);
    }
    let assert_added = async |n: i64| {
        for (table, before) in tables.into_iter().zip(&before) {
            assert_eq!(rows(&app, &tenant, table).await, before + n, "{table}");
        }
    };

    // The sign-up's session uses the limit of one.
    assert_eq!(
        start_session(&app, &tenant, (&hash, Some("new_hash")), &kid, 1).await,
        StartSessionOutcome::SessionLimitReached
    );
    assert_eq!(
        start_session(&app, &tenant, ("another", Some("new_hash")), &kid, 20).await,
        StartSessionOutcome::CredentialsChanged
    );
    assert_eq!(
        start_session(&app, &tenant, (&hash, Some("new_hash")), "replaced", 20).await,
        StartSessionOutcome::SigningKeyReplaced
    );
    set("suspended").await;
    assert_eq!(
        start_session(&app, &tenant, (&hash, Some("new_hash")), &kid, 20).await,
        StartSessionOutcome::CredentialsChanged
    );
    assert_added(0).await;
    assert_eq!(stored().await, hash);

    set("active").await;
    assert_eq!(start_session(&app, &tenant, (&hash, None), &kid, 20).await, StartSessionOutcome::Started);
    assert_eq!(stored().await, hash);
    assert_eq!(start_session(&app, &tenant, (&hash, Some("new_hash")), &kid, 20).await, StartSessionOutcome::Started);
    assert_eq!(stored().await, "new_hash");
    assert_added(2).await;
    app.stop().await;
}

/// A random state of the database and a random request.
#[derive(Clone, Debug)]
struct Case {
    status: UserStatus,
    hash_is_current: bool,
    replaces_hash: bool,
    kid_is_active: bool,
    session_limit: u16,
    /// Minutes from now until the idle timeout and until the end, and whether the session was revoked.
    sessions: Vec<(i64, i64, bool)>,
}

fn case() -> impl Strategy<Value = Case> {
    let status = prop_oneof![4 => Just(UserStatus::Active), 1 => Just(UserStatus::Suspended)];
    let session = (-1..=2_i64, -1..=2_i64, prop::bool::weighted(0.2));
    let sessions = prop::collection::vec(session, 0..6);
    let hash_is_current = prop::bool::weighted(0.8);
    (status, hash_is_current, any::<bool>(), prop::bool::weighted(0.8), 1..=4_u16, sessions).prop_map(
        |(status, hash_is_current, replaces_hash, kid_is_active, session_limit, sessions)| Case {
            status,
            hash_is_current,
            replaces_hash,
            kid_is_active,
            session_limit,
            sessions,
        },
    )
}

/// Gives the tenant's owner the hash `current`, the status and the sessions of a case.
async fn arrange(app: &TestApp, tenant: &TestTenant, case: &Case) -> Vec<SessionLifetime> {
    let (id, now) = (&tenant.id, app.clock.now());
    let status = if case.status == UserStatus::Active { "active" } else { "suspended" };
    let mut statements = format!(
        "DELETE FROM sessions WHERE tenant_id = '{id}';
         UPDATE users SET password_hash = 'current', status = '{status}' WHERE tenant_id = '{id}';"
    );
    let mut sessions = Vec::new();
    for (idle, end, revoked) in &case.sessions {
        let session = SessionLifetime {
            idle_expires_at: now + TimeDelta::minutes(*idle),
            expires_at: now + TimeDelta::minutes(*end),
            revoked_at: revoked.then_some(now),
        };
        let revoked_at = session.revoked_at.map_or("NULL".to_owned(), |time| format!("'{time}'"));
        let _ = write!(
            statements,
            "INSERT INTO sessions (tenant_id, id, user_id, created_at, last_seen_at, idle_expires_at, expires_at, revoked_at)
             SELECT '{id}', gen_random_uuid(), id, '{now}', '{now}', '{}', '{}', {revoked_at} FROM users WHERE tenant_id = '{id}';",
            session.idle_expires_at, session.expires_at
        );
        sessions.push(session);
    }
    app.database.execute(&statements).await;
    sessions
}

#[tokio::test(flavor = "multi_thread")]
async fn session_start_outcome_equals_specification() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let active_kid = app.database.text("SELECT kid AS finding FROM signing_keys WHERE state = 'active'").await;
    let stored_hash = format!("SELECT password_hash AS finding FROM users WHERE tenant_id = '{}'", tenant.id);
    let current = PasswordHash::from_stored("current".to_owned());
    let mut runner = TestRunner::deterministic();
    let mut seen = Vec::new();
    for _ in 0..150 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let sessions = arrange(&app, &tenant, &case).await;
        let verified = if case.hash_is_current { "current" } else { "former" };
        let kid = if case.kid_is_active { active_kid.as_str() } else { "replaced" };
        let state = StartSessionState {
            user: Some((case.status, &current)),
            sessions: &sessions,
            active_kid: Some(active_kid.as_str()),
        };
        let verified_hash = PasswordHash::from_stored(verified.to_owned());
        let expected = state.outcome(&verified_hash, case.session_limit, kid, app.clock.now());
        let new_hash = case.replaces_hash.then_some("new");

        let outcome = start_session(&app, &tenant, (verified, new_hash), kid, case.session_limit).await;
        assert_eq!(outcome, expected, "{case:?}");
        let started = outcome == StartSessionOutcome::Started;
        let added = rows(&app, &tenant, "sessions").await - i64::try_from(sessions.len()).unwrap();
        assert_eq!(added, i64::from(started), "{case:?}");
        let replaced = app.database.text(&stored_hash).await == "new";
        assert_eq!(replaced, started && case.replaces_hash, "{case:?}");
        if !seen.contains(&outcome) {
            seen.push(outcome);
        }
    }
    assert_eq!(seen.len(), 4, "each outcome occurs: {seen:?}");
    app.stop().await;
}

/// A server of the previous version calls the function without a MAC while it is being replaced.
#[tokio::test(flavor = "multi_thread")]
async fn previous_version_starts_sessions_without_a_mac() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let outcome = |verified_hash: &str| {
        format!(
            "SELECT app.start_session('{tenant}', {verified_hash}, NULL, kid, 20, gen_random_uuid(), id, NULL, NULL, now(),
                 now() + interval '1 day', now() + interval '2 days', sha256(gen_random_uuid()::text::bytea),
                 gen_random_uuid(), now(), 'user', id::text, NULL, NULL, 'user.logged_in', 'user', id::text, 'done', '{{}}')
               AS finding
               FROM users, signing_keys WHERE tenant_id = '{tenant}' AND state = 'active'",
            tenant = tenant.id
        )
    };
    assert_eq!(app.database.text(&outcome("'another'")).await, "credentials_changed");
    assert_eq!(app.database.text(&outcome("password_hash")).await, "started");
    let unsigned = "SELECT count(*) FROM audit_records WHERE mac IS NULL AND action = 'user.logged_in'";
    assert_eq!(app.database.count(&format!("{unsigned} AND tenant_id = '{}'", tenant.id)).await, 1);
}
