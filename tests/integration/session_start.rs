//! `start_session` stores all its rows or none.

use audit::{Action, Principal, Record, RequestOrigin};
use flows::{Database as _, StartSession, StartSessionOutcome};
use iam::PasswordHash;
use kernel::{SystemEntropy, TenantScope};
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
    app.finish().await;
}
