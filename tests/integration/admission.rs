//! What lets somebody in: all of it at once, or none of it.

use audit::{Action, Actor, Origin, Record};
use flows::{Admission, Admitted, Database as _};
use iam::PasswordHash;
use kernel::{SystemEntropy, TenantScope};
use tokens::{Client, RefreshToken, Session, SessionPolicy};

use crate::kit::app::{Settings, TestApp, TestTenant};

/// How often the table has a row of the tenant.
async fn rows(app: &TestApp, tenant: &TestTenant, table: &str) -> i64 {
    app.database.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{}'", tenant.id)).await
}

/// Somebody is to be let in who was verified with the first hash, which the second replaces; signed by the key, as one of so
/// many.
async fn admit(app: &TestApp, tenant: &TestTenant, hashes: (&str, Option<&str>), kid: &str, most: u16) -> Admitted {
    let id = tenant.id.parse().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the tenant is this test's")]
    let scope = TenantScope::mint(id);
    let user = app.database.text(&format!("SELECT id::text AS finding FROM users WHERE tenant_id = '{id}'")).await;
    let user = user.parse().unwrap();
    let session = Session::start(user, Client::default(), &SessionPolicy::DEFAULT, &*app.clock);
    let token = RefreshToken::generate(id, &SystemEntropy::new()).unwrap().hash();
    let record = Record::new(Actor::User(user), Origin::default(), Action::UserLoggedIn, &*app.clock);
    let verified = PasswordHash::from_stored(hashes.0.to_owned());
    let renewed = hashes.1.map(|hash| PasswordHash::from_stored(hash.to_owned()));
    let (session, token, verified, renewed, record) = (&session, &token, &verified, renewed.as_ref(), &record);
    let admission = Admission { session, token, most, verified, renewed, record, kid };
    app.postgres.admit(&scope, &admission).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_let_in_whole_or_not_at_all() {
    let app = TestApp::start_with(Settings { alone: true, ..Settings::default() }).await;
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
    let more = async |n: i64| {
        for (table, before) in tables.into_iter().zip(&before) {
            assert_eq!(rows(&app, &tenant, table).await, before + n, "{table}");
        }
    };

    // The session that the sign-up started is one already.
    assert_eq!(admit(&app, &tenant, (&hash, Some("renewed")), &kid, 1).await, Admitted::Full);
    assert_eq!(admit(&app, &tenant, ("another", Some("renewed")), &kid, 20).await, Admitted::Changed);
    assert_eq!(admit(&app, &tenant, (&hash, Some("renewed")), "replaced", 20).await, Admitted::KeyReplaced);
    set("suspended").await;
    assert_eq!(admit(&app, &tenant, (&hash, Some("renewed")), &kid, 20).await, Admitted::Changed);
    more(0).await;
    assert_eq!(stored().await, hash);

    set("active").await;
    assert_eq!(admit(&app, &tenant, (&hash, None), &kid, 20).await, Admitted::Started);
    assert_eq!(stored().await, hash);
    assert_eq!(admit(&app, &tenant, (&hash, Some("renewed")), &kid, 20).await, Admitted::Started);
    assert_eq!(stored().await, "renewed");
    more(2).await;
    app.finish().await;
}
