//! The life cycle of signing keys, with a manual clock.

use std::collections::BTreeSet;

use ::audit::{Principal, RequestOrigin};
use chrono::TimeDelta;
use crypto::Ed25519;
use flows::{
    AdvancedKeys, Database as _, RotateError, SigningKeyChange, SigningKeys, SigningKeysError, advance_signing_keys,
    reseal_meta_apps, reseal_signing_keys, revoke_signing_key, settle,
};
use futures_util::future::join_all;
use kernel::seal::KeyRing;
use kernel::{Clock as _, SystemEntropy};
use serde_json::{Value, json};
use tokens::{KeyScope, KeyState, RotationPolicy, SigningKeyFactory};

use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::client::Client;
use crate::kit::operators::{key, operator};
use crate::kit::token_forger::{TokenForger, key_ring, kid_of, signing_keys};

const POLICY: RotationPolicy = RotationPolicy::DEFAULT;
const SECOND: TimeDelta = TimeDelta::seconds(1);

async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

/// Runs due key changes, as each process does periodically.
async fn advance(app: &TestApp) -> Vec<SigningKeyChange> {
    let mut tx = app.postgres.operator().await.unwrap();
    let (ring, origin, entropy) = (key_ring(), RequestOrigin::default(), SystemEntropy::new());
    let factory = SigningKeyFactory { algorithm: &Ed25519, key_ring: &ring };
    let done =
        advance_signing_keys(&mut *tx, factory, &POLICY, Principal::System, &origin, &entropy, &*app.clock).await;
    let AdvancedKeys { done, .. } = settle::<_, _, SigningKeysError>(tx, done).await.unwrap();
    done
}

async fn revoke(app: &TestApp, kid: &str) -> Result<Vec<SigningKeyChange>, RotateError> {
    let mut tx = app.postgres.operator().await.unwrap();
    let (ring, entropy) = (key_ring(), SystemEntropy::new());
    let factory = SigningKeyFactory { algorithm: &Ed25519, key_ring: &ring };
    let done = revoke_signing_key(operator(), &mut *tx, kid, factory, &POLICY, &entropy, &*app.clock).await;
    settle(tx, done).await
}

fn states(done: &[SigningKeyChange]) -> Vec<KeyState> {
    done.iter().map(|moved| moved.to).collect()
}

/// The ids of the published keys. The key set is reloaded after a second.
async fn published(app: &TestApp) -> Vec<String> {
    app.clock.advance(SECOND);
    let keys = app.client.get("/.well-known/jwks.json").await.json(200)["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn is_accepted(client: &Client, token: &str) -> bool {
    let answer = client.with_token(token).get("/auth/me").await;
    if answer.status == 200 {
        return true;
    }
    answer.problem(401, "invalid_token");
    false
}

async fn audited(app: &TestApp, condition: &str) -> i64 {
    let query =
        format!("SELECT count(*) FROM platform_audit_records WHERE action = 'signing_key.moved' AND {condition}");
    app.database.count(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_accepted_from_publication_to_retirement() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let first = kid_of(&tenant.token);
    assert_eq!(published(&app).await, std::slice::from_ref(&first));
    let old_forge = TokenForger::with_key(&app, KeyState::Active).await;

    // Published ten minutes before it signs.
    app.clock.advance(POLICY.active - POLICY.publish - SECOND * 2);
    assert_eq!(advance(&app).await, []);
    app.clock.advance(SECOND);
    let done = advance(&app).await;
    assert_eq!(states(&done), [KeyState::Upcoming]);
    let second = done[0].kid.clone();
    assert_eq!(published(&app).await, [first.clone(), second.clone()]);
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(kid_of(&tenant.token), first, "the new key does not sign yet");
    let new_forge = TokenForger::with_key(&app, KeyState::Upcoming).await;
    assert!(is_accepted(&app.client, &new_forge.issue(&app, &tenant.token)).await, "upcoming");

    app.clock.advance(POLICY.publish - SECOND * 2);
    assert_eq!(advance(&app).await, []);
    let last_of_first = tenant.log_in_again(&app).await.token;
    assert_eq!(kid_of(&last_of_first), first);
    app.clock.advance(SECOND);
    let done = advance(&app).await;
    assert_eq!(states(&done), [KeyState::Retiring, KeyState::Active]);

    // This process was not notified; it signs with the new key all the same and accepts both.
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(kid_of(&tenant.token), second);
    assert!(is_accepted(&app.client, &tenant.token).await, "active");
    assert!(is_accepted(&app.client, &last_of_first).await, "retiring");
    assert_eq!(published(&app).await, [first.clone(), second.clone()]);

    // The last token of the old key is valid until its expiry plus leeway: issued one second before the change, used
    // two seconds after.
    app.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(30) - SECOND * 3);
    assert!(is_accepted(&app.client, &last_of_first).await);
    app.clock.advance(SECOND);
    assert!(!is_accepted(&app.client, &last_of_first).await);

    // Tokens signed by a superseded key are accepted until it retires, and not a second longer.
    let since = signing_keys(&app).await[0].since;
    app.clock.advance(since + POLICY.retiring - SECOND - kernel::Clock::now(&*app.clock));
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(advance(&app).await, []);
    let late = old_forge.issue(&app, &tenant.token);
    assert!(is_accepted(&app.client, &late).await, "retiring");
    app.clock.advance(SECOND);
    assert_eq!(states(&advance(&app).await), [KeyState::Retired]);
    assert!(!is_accepted(&app.client, &late).await, "retired");
    assert!(is_accepted(&app.client, &tenant.token).await);
    assert_eq!(published(&app).await, [second]);
    let kept = format!("SELECT count(*) FROM signing_keys WHERE kid = '{first}' AND length(private_sealed) = 0");
    assert_eq!(app.database.count(&kept).await, 1, "a retired key has no private half");
    assert_eq!(audited(&app, "actor_kind = 'system' AND outcome = 'done'").await, 5);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_key_is_refused_on_next_request() {
    let app = isolated_app().await;
    let other = app.start_another(Settings::default()).await;
    let tenant = app.tenant().await;
    let first = kid_of(&tenant.token);
    let forge = TokenForger::with_key(&app, KeyState::Active).await;
    assert!(is_accepted(&other.client, &tenant.token).await);
    assert_eq!(published(&other).await, std::slice::from_ref(&first));
    assert!(matches!(revoke(&app, "A").await, Err(RotateError::Unknown)));

    let done = revoke(&app, &first).await.unwrap();
    assert_eq!(states(&done), [KeyState::Revoked, KeyState::Active], "another key is active");
    let second = done[1].kid.clone();
    for instance in [&app, &other] {
        assert!(!is_accepted(&instance.client, &tenant.token).await);
        assert!(
            !is_accepted(&instance.client, &forge.issue(instance, &tenant.token)).await,
            "new tokens are refused too"
        );
        assert_eq!(published(instance).await, std::slice::from_ref(&second));
        // The session continues: only the key is revoked.
        let tenant = tenant.log_in_again(instance).await;
        assert_eq!(kid_of(&tenant.token), second);
        for either in [&app, &other] {
            assert!(is_accepted(&either.client, &tenant.token).await);
        }
    }
    assert!(matches!(revoke(&app, &first).await, Err(RotateError::Revoked)));
    assert_eq!(audited(&app, &format!("actor_kind = 'command_line' AND target_id = '{first}'")).await, 1);
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_key_is_looked_up_once_in_a_second() {
    let app = isolated_app().await;
    let other = app.start_another(Settings::default()).await;
    let tenant = app.tenant().await;
    let replace = async || {
        let active = signing_keys(&app).await.into_iter().find(|key| key.state == KeyState::Active).unwrap();
        revoke(&app, &active.kid).await.unwrap();
        tenant.log_in_again(&app).await.token
    };
    // The other instance does not know the key yet and looks it up.
    assert!(is_accepted(&other.client, &replace().await).await);
    let newer = replace().await;
    assert!(!is_accepted(&other.client, &newer).await, "the last lookup was a moment ago");
    other.clock.advance(SECOND - TimeDelta::milliseconds(1));
    assert!(!is_accepted(&other.client, &newer).await);
    other.clock.advance(TimeDelta::milliseconds(1));
    assert!(is_accepted(&other.client, &newer).await);
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_rotation_runs_once() {
    let app = isolated_app().await;
    let first = signing_keys(&app).await;
    assert_eq!(states(&join_all((0..8).map(|_| advance(&app))).await.concat()), []);
    app.clock.advance(POLICY.active);
    assert_eq!(states(&join_all((0..8).map(|_| advance(&app))).await.concat()), [KeyState::Upcoming]);
    app.clock.advance(POLICY.publish);
    let done = join_all((0..8).map(|_| advance(&app))).await.concat();
    assert_eq!(states(&done), [KeyState::Retiring, KeyState::Active]);
    assert_eq!(done[0].kid, first[0].kid);

    // A deployment's first key is created once, by the first process.
    app.database.execute("DELETE FROM signing_keys").await;
    let open = async || {
        let (ring, entropy) = (std::sync::Arc::new(key_ring()), SystemEntropy::new());
        SigningKeys::open(&app.postgres, std::sync::Arc::new(Ed25519), ring, POLICY, &entropy, &*app.clock)
            .await
            .unwrap()
    };
    let opened = join_all((0..8).map(|_| open())).await;
    let key = signing_keys(&app).await;
    assert_eq!(key.len(), 1);
    assert!(opened.iter().all(|keys| keys.current().knows(&key[0].kid)));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_rotates_keys() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let path = "/platform/signing-keys/rotate";
    let rotate = async |client: &Client| client.send(reqwest::Method::POST, path, None).await;
    rotate(&app.client).await.problem(401, "unauthenticated");
    rotate(&tenant.client).await.problem(403, "operators_only");
    let (_, _, narrow) = key(&app, &[KeyScope::AuditRead], None).await;
    rotate(&narrow).await.problem(403, "insufficient_scope");
    assert_eq!(signing_keys(&app).await.len(), 1, "nothing changed");

    let (id, _, client) = key(&app, &[KeyScope::KeysRotate], None).await;
    let next = rotate(&client).await.json(200);
    assert_eq!(next["state"], "upcoming");
    let time = |member: &str| next[member].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(time("signs_from") - time("published_at"), POLICY.publish);
    assert_eq!(rotate(&client).await.json(200), next, "the rotation has started already");
    let by_key = format!("actor_kind = 'provisioning_key' AND actor_id = '{id}' AND request_id IS NOT NULL");
    assert_eq!(audited(&app, &by_key).await, 1);
    // Both were created at the same time, since the clock stands still.
    let both = BTreeSet::from([kid_of(&tenant.token), next["kid"].as_str().unwrap().to_owned()]);
    assert_eq!(published(&app).await.into_iter().collect::<BTreeSet<_>>(), both);
    let answer: Value = app.client.get("/.well-known/jwks.json").await.json(200);
    assert!(answer["keys"].as_array().unwrap().iter().all(|key| key["d"] == json!(null)));
    app.clock.advance(POLICY.publish);
    assert_eq!(states(&advance(&app).await), [KeyState::Retiring, KeyState::Active]);
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(next["kid"], kid_of(&tenant.token).as_str());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_resealed_under_new_encryption_key() {
    let app = isolated_app().await;
    let ring = |ids: &[(&str, u8)]| {
        KeyRing::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
    };
    let both = ring(&[("new", 8), ("test", 7)]);
    let open = async |ring: KeyRing| {
        let (ring, entropy) = (std::sync::Arc::new(ring), SystemEntropy::new());
        SigningKeys::open(&app.postgres, std::sync::Arc::new(Ed25519), ring, POLICY, &entropy, &*app.clock).await
    };
    let refused = open(ring(&[("new", 8)])).await.unwrap_err().to_string();
    assert!(refused.contains("is the right key-encryption key configured?"), "{refused}");
    let reseal = async || {
        let mut tx = app.postgres.operator().await.unwrap();
        let done = reseal_signing_keys(operator(), &mut *tx, &both, &SystemEntropy::new(), &*app.clock).await;
        settle(tx, done).await.unwrap()
    };
    assert_eq!(reseal().await, 1);
    assert_eq!(reseal().await, 0);
    open(ring(&[("new", 8)])).await.unwrap();
    assert!(open(ring(&[("test", 7)])).await.is_err());
    // The secrets of tenants' Meta apps are resealed too and keep their values.
    let tenant = app.tenant().await;
    let (own, second) = (tenant.meta_app().await, tenant.meta_app().await);
    let patch = json!({"app_secret": "another-secret"});
    tenant.client.patch(&format!("/meta-apps/{}", second.key), &patch).await.json(200);
    let left = "SELECT count(*) FROM meta_apps WHERE app_secret_sealed_with = 'test'
        OR verify_token_sealed_with = 'test' OR previous_app_secret_sealed_with = 'test'";
    assert_eq!(app.database.count(left).await, 2);
    let reseal_apps = async || reseal_meta_apps(operator(), &app.postgres, &both, &SystemEntropy::new()).await.unwrap();
    assert_eq!((reseal_apps().await, reseal_apps().await), (2, 0));
    assert_eq!(app.database.count(left).await, 0);
    let mut tx = app.postgres.intake().await.unwrap();
    let key = own.key.parse().unwrap();
    let sealed = tx.meta_app_secrets(&key).await;
    let sealed = settle(tx, sealed).await.unwrap().unwrap();
    sealed.open(&key, &ring(&[("new", 8)]), app.clock.now()).unwrap();
    let audited = "SELECT count(*) FROM platform_audit_records WHERE action = 'signing_key.resealed'";
    assert_eq!(app.database.count(audited).await, 1);
    app.stop().await;
}

/// Anyone with a token can ask for a key id, so the answer reveals only the key's state.
#[tokio::test(flavor = "multi_thread")]
async fn application_role_reads_only_key_state() {
    let app = isolated_app().await;
    let tenant: TestTenant = app.tenant().await;
    let mut connection = app.database.as_app().await;
    let kid = kid_of(&tenant.token);
    let count = async |connection: &mut _, query: &str| crate::kit::database::count(connection, query).await;
    let usable = format!("SELECT count(*) FROM (SELECT 1 WHERE app.signing_key_is_usable('{kid}')) AS usable");
    assert_eq!(count(&mut connection, &usable).await.unwrap(), 1);
    let unknown = "SELECT count(*) FROM (SELECT 1 WHERE app.signing_key_is_usable(''' OR 1=1 --')) AS usable";
    assert_eq!(count(&mut connection, unknown).await.unwrap(), 0);
    assert!(count(&mut connection, "SELECT count(*) FROM signing_keys").await.is_err(), "it may not look itself");
    drop(connection);
    app.stop().await;
}
