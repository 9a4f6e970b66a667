//! Access tokens and PINs of WhatsApp numbers, and what Meta says of them.

use std::sync::Arc;

use channels::{CheckedFacts, CheckedToken, sending_account};
use chrono::TimeDelta;
use flows::{AccountCheckJob, Database as _, JobHandler, reseal_account_credentials, settle};
use kernel::seal::KeyRing;
use kernel::{Clock as _, StoreError, SystemEntropy, TenantScope};
use pipeline::JobRunner;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::kit::api::{AccountCheck, AuditRecord, Resource as _, WhatsAppAccount};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::graph::GraphServer;
use crate::kit::meta::{Number, fresh_digits};
use crate::kit::operators::operator;
use crate::transactions::scope_of;

/// A server with a Meta of its own, a tenant, and its number.
struct Setup {
    app: TestApp,
    meta: GraphServer,
    tenant: TestTenant,
    number: Number,
    account: WhatsAppAccount,
}

impl Setup {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn isolated() -> Self {
        Self::with(Settings { own_database: true, ..Settings::default() }).await
    }

    async fn with(settings: Settings) -> Self {
        let meta = GraphServer::start().await;
        let app = TestApp::start_with(Settings { graph_port: meta.port, ..settings }).await;
        let tenant = app.tenant().await;
        let number = Number::fresh();
        let account = tenant.connect_number(&number).await;
        Self { app, meta, tenant, number, account }
    }

    /// Enters a token that Meta grants for the number, and returns it.
    async fn set_token(&self) -> String {
        let token = fresh_token();
        self.meta.grant(&token, &self.number);
        let changed: WhatsAppAccount = self.patch(json!({"access_token": token})).await;
        assert_eq!(changed.sending.state, "ready");
        token
    }

    async fn patch(&self, patch: Value) -> WhatsAppAccount {
        self.tenant.client.patch(&self.account.path(), &patch).await.body(200)
    }

    async fn read(&self) -> WhatsAppAccount {
        self.tenant.client.read(&self.account.path()).await
    }

    async fn check(&self) -> AccountCheck {
        self.tenant.client.post(&self.check_path(), &json!({})).await.body(200)
    }

    fn check_path(&self) -> String {
        format!("{}/check", self.account.path())
    }

    fn number_path(&self) -> String {
        format!("/{}", self.number.phone_number_id)
    }

    /// The detail of a refused token.
    async fn refusal(&self, token: &str) -> String {
        let answer = self.tenant.client.patch(&self.account.path(), &json!({"access_token": token})).await;
        assert!(!answer.text.contains(token), "{}", answer.text);
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), "/access_token");
        problem.errors[0].detail.clone()
    }

    /// The stored token, opened.
    async fn stored_token(&self, ring: &KeyRing) -> Option<String> {
        let mut tx = self.app.postgres.tenant(&self.scope()).await.unwrap();
        let found = sending_account(&mut *tx, self.account.id.parse().unwrap(), ring).await.unwrap();
        settle::<_, _, StoreError>(tx, Ok(())).await.unwrap();
        Some(found?.access_token?.secret.expose_secret().to_owned())
    }

    /// Runs due checks.
    fn job_runner(&self) -> JobRunner {
        let handler = AccountCheckJob {
            database: Arc::new(self.app.postgres.clone()),
            api: Arc::new(self.meta.client()),
            ring: Arc::new(test_ring()),
            clock: self.app.clock.clone(),
        };
        JobRunner {
            database: Arc::new(self.app.postgres.clone()),
            handlers: vec![Arc::new(handler) as Arc<dyn JobHandler>],
            clock: self.app.clock.clone(),
            entropy: Arc::new(SystemEntropy::new()),
            bell: Arc::new(Notify::new()),
        }
    }

    fn scope(&self) -> TenantScope {
        scope_of(self.tenant.id.parse().unwrap())
    }
}

fn fresh_token() -> String {
    format!("EAAhunter2{}", fresh_digits())
}

fn ring(ids: &[(&str, u8)]) -> KeyRing {
    KeyRing::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
}

/// The key ring of test servers.
pub(crate) fn test_ring() -> KeyRing {
    ring(&[("test", 7)])
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_sealed_and_account_is_ready() {
    let setup = Setup::isolated().await;
    assert_eq!((setup.account.sending.state.as_str(), setup.account.throughput), ("no_token", 80));
    assert!(setup.account.sending.advice.is_some() && setup.account.last_check.is_none());
    let token = fresh_token();
    setup.meta.grant(&token, &setup.number);

    let patch = json!({"access_token": token, "two_step_pin": "918273", "throughput": 20, "send_read_receipts": true});
    let answer = setup.tenant.client.patch(&setup.account.path(), &patch).await;
    assert!(!answer.text.contains("hunter2") && !answer.text.contains("918273"), "{}", answer.text);
    let account: WhatsAppAccount = answer.body(200);
    assert_eq!((account.sending.state.as_str(), &account.sending.reason), ("ready", &None));
    assert_eq!((account.throughput, account.send_read_receipts), (20, true));
    let check = account.last_check.as_ref().unwrap();
    assert_eq!(check.problems, []);
    assert_eq!(
        check.number,
        json!({"registered": true, "name_status": "APPROVED", "quality": "GREEN", "throughput": "STANDARD"})
    );
    assert_eq!(setup.read().await, account);
    assert_eq!(setup.tenant.accounts().await, [account]);
    assert_eq!(setup.stored_token(&test_ring()).await.as_deref(), Some(token.as_str()));

    // In plain text nowhere in the database.
    let readable = "SELECT count(*) FROM account_credentials t WHERE t::text ~ 'hunter2|918273'
        OR t::text LIKE '%' || encode('hunter2', 'hex') || '%' OR t::text LIKE '%' || encode('918273', 'hex') || '%'";
    assert_eq!(setup.app.database.count(readable).await, 0);
    let records: Vec<AuditRecord> = setup.tenant.client.list("/audit-log").await;
    let changed = records.iter().find(|record| record.action == "whatsapp_account.changed").unwrap();
    assert_eq!(changed.changes, json!({"access_token": "set", "two_step_pin": "set"}));
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_does_not_reach_the_number_is_refused() {
    let setup = Setup::new().await;
    assert_eq!(setup.refusal("EAAunknown").await, "Invalid OAuth access token (code 190)");

    let other = fresh_token();
    setup.meta.grant(&other, &Number::fresh());
    assert_eq!(setup.refusal(&other).await, "The token was not granted for this business account.");

    // The same business account, another number.
    let sibling = fresh_token();
    setup.meta.grant(&sibling, &setup.number.sibling());
    assert!(setup.refusal(&sibling).await.starts_with("The token does not reach the number: Unsupported get request."));

    let elsewhere = fresh_token();
    setup.meta.grant(&elsewhere, &setup.number);
    let numbers = format!("/{}/phone_numbers", setup.number.waba_id);
    setup.meta.answer(&elsewhere, &numbers, 200, json!({"data": [{"id": "1"}]}));
    assert_eq!(setup.refusal(&elsewhere).await, "The business account does not have this number.");

    let invalid = fresh_token();
    setup.meta.grant(&invalid, &setup.number);
    let error = json!({"data": {"is_valid": false, "error": {"code": 190, "message": "Session has expired"}}});
    setup.meta.answer(&invalid, "/debug_token", 200, error);
    assert_eq!(setup.refusal(&invalid).await, "Session has expired");
    assert_eq!(setup.read().await, setup.account);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_meta_changes_nothing() {
    let setup = Setup::new().await;
    setup.set_token().await;
    let before = setup.read().await;
    let next = fresh_token();
    setup.meta.grant(&next, &setup.number);
    setup.meta.set_silent(true);
    let patch = json!({"access_token": next, "throughput": 5});
    let answer = setup.tenant.client.patch(&setup.account.path(), &patch).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.problem(503, "meta_unavailable");
    let answer = setup.tenant.client.post(&setup.check_path(), &json!({})).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.problem(503, "meta_unavailable");
    assert_eq!(setup.read().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_setting_is_refused_without_asking_meta() {
    let setup = Setup::new().await;
    for (member, value) in [
        ("access_token", json!("")),
        ("access_token", json!("EAA hunter2")),
        ("access_token", json!(["hunter2"])),
        ("two_step_pin", json!("12345")),
        ("two_step_pin", json!(123_456)),
        ("throughput", json!(0)),
        ("throughput", json!(1_001)),
        ("throughput", json!(1.5)),
        ("throughput", Value::Null),
        ("send_read_receipts", Value::Null),
        ("send_read_receipts", json!("yes")),
        ("waba_id", json!("1")),
    ] {
        let answer = setup.tenant.client.patch(&setup.account.path(), &json!({ member: value })).await;
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
        assert_eq!(answer.problem(422, "validation_failed").pointer(), format!("/{member}"), "{value}");
    }
    assert_eq!(setup.meta.requests(), [""; 0]);
    assert_eq!(setup.read().await, setup.account);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_removes_a_secret() {
    let setup = Setup::new().await;
    setup.set_token().await;
    setup.patch(json!({"two_step_pin": "123456"})).await;
    let removed = setup.patch(json!({"access_token": null})).await;
    assert_eq!(removed.sending.state, "no_token");
    assert_eq!(setup.stored_token(&test_ring()).await, None);
    let check = setup.check().await;
    assert_eq!(check.problems[0].what, "The account has no access token.");

    setup.set_token().await;
    setup.tenant.client.delete(&setup.account.path()).await.expect(204);
    let id = &setup.account.id;
    let left = format!("SELECT count(*) FROM account_credentials WHERE account_id = '{id}'");
    assert_eq!(setup.app.database.count(&left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_wrong_and_changes_the_state() {
    let setup = Setup::new().await;
    let token = setup.set_token().await;
    let (number, waba) = (setup.number_path(), format!("/{}", setup.number.waba_id));
    let ends = setup.app.clock.now() + TimeDelta::days(3);
    setup.meta.change(&token, "/debug_token", |body| body["data"]["expires_at"] = ends.timestamp().into());
    setup.meta.change(&token, &number, |body| body["status"] = "DISCONNECTED".into());
    setup.meta.change(&token, &waba, |body| body["health_status"] = json!({"can_send_message": "BLOCKED"}));
    setup.meta.answer(&token, &format!("{waba}/subscribed_apps"), 200, json!({"data": []}));
    let check = setup.check().await;
    assert_eq!((&check.token["valid"], &check.number["registered"]), (&json!(true), &json!(false)));
    assert_eq!(check.account, json!({"status": "BLOCKED", "subscribed": false}));
    assert_eq!(check.problems.len(), 4, "{check:#?}");
    assert!(check.problems.iter().all(|problem| !problem.advice.is_empty()));
    let account = setup.read().await;
    assert_eq!((account.sending.state.as_str(), account.last_check), ("not_registered", Some(check)));

    // A dead token pauses the account; a check that finds all well lifts it.
    setup.meta.answer(&token, "/debug_token", 200, json!({"data": {"is_valid": false}}));
    setup.check().await;
    let paused = setup.read().await.sending;
    assert_eq!((paused.state.as_str(), paused.until), ("paused", None));
    setup.meta.grant(&token, &setup.number);
    assert_eq!(setup.check().await.problems, []);
    assert_eq!(setup.read().await.sending.state, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_of_another_tenant_is_unknown() {
    let setup = Setup::new().await;
    let token = setup.set_token().await;
    let other = setup.app.tenant().await.client;
    other.patch(&setup.account.path(), &json!({"access_token": token})).await.problem(404, "not_found");
    other.patch(&setup.account.path(), &json!({"access_token": null})).await.problem(404, "not_found");
    other.post(&setup.check_path(), &json!({})).await.problem(404, "not_found");
    assert_eq!(setup.read().await.sending.state, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn daily_check_finds_a_dead_token_and_no_silence() {
    let setup = Setup::isolated().await;
    let token = setup.set_token().await;
    let second = setup.app.tenant().await;
    second.connect().await;
    let runner = setup.job_runner();
    assert_eq!(runner.run_due().await, 0, "it was checked when it was entered");

    // Silence changes nothing, and is asked again in an hour.
    setup.app.clock.advance(TimeDelta::hours(25));
    setup.meta.set_silent(true);
    assert_eq!((runner.run_due().await, runner.run_due().await), (1, 0));
    let checks = async || {
        let tenant = setup.tenant.log_in_again(&setup.app).await;
        tenant.client.list::<Value>("/jobs?kind=account_check").await
    };
    let job = &checks().await[0];
    assert_eq!((&job["attempts"], &job["last_error"]), (&json!(1), &json!("Meta did not answer")));
    setup.meta.set_silent(false);
    setup.app.clock.advance(TimeDelta::minutes(70));
    assert_eq!((runner.run_due().await, runner.run_due().await), (1, 0));
    assert_eq!(checks().await[0]["attempts"], 0);
    assert_eq!(setup.tenant.log_in_again(&setup.app).await.accounts().await[0].sending.state, "ready");

    setup.meta.answer(&token, "/debug_token", 200, json!({"data": {"is_valid": false}}));
    setup.app.clock.advance(TimeDelta::hours(25));
    assert_eq!(runner.run_due().await, 1);
    let tenant = setup.tenant.log_in_again(&setup.app).await;
    assert_eq!(tenant.accounts().await[0].sending.state, "paused");

    // A disconnected number is not checked.
    tenant.client.delete(&setup.account.path()).await.expect(204);
    setup.app.clock.advance(TimeDelta::hours(25));
    let before = setup.meta.requests().len();
    assert_eq!((runner.run_due().await, runner.run_due().await), (1, 0));
    assert_eq!(setup.meta.requests().len(), before);
    assert!(checks().await.is_empty());
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_about_an_older_token_is_ignored() {
    let setup = Setup::new().await;
    setup.set_token().await;
    let id = setup.account.id.parse().unwrap();
    let record = async |facts: &CheckedFacts, age: TimeDelta| {
        let mut tx = setup.app.postgres.tenant(&setup.scope()).await.unwrap();
        let found = sending_account(&mut *tx, id, &test_ring()).await.unwrap().unwrap();
        let set_at = found.access_token.unwrap().set_at - age;
        let recorded = tx.record_account_facts(id, set_at, facts).await;
        settle::<_, _, StoreError>(tx, recorded).await.unwrap()
    };
    let refused = CheckedFacts { token: Some(CheckedToken::Refused("No.".to_owned())), is_registered: None };
    assert!(!record(&refused, TimeDelta::seconds(1)).await);
    assert_eq!(setup.read().await.sending.state, "ready");
    assert!(record(&refused, TimeDelta::zero()).await);
    assert_eq!(setup.read().await.sending.state, "paused");
    // A new token, and the state is as Meta says of it.
    setup.app.clock.advance(TimeDelta::seconds(1));
    setup.set_token().await;
    let unregistered = CheckedFacts { token: None, is_registered: Some(false) };
    assert!(record(&unregistered, TimeDelta::zero()).await);
    assert_eq!(setup.read().await.sending.state, "not_registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_resealed_under_a_new_key() {
    let setup = Setup::isolated().await;
    let token = setup.set_token().await;
    setup.patch(json!({"two_step_pin": "123456"})).await;
    let (both, new) = (ring(&[("new", 8), ("test", 7)]), ring(&[("new", 8)]));
    let reseal = async || {
        let entropy = SystemEntropy::new();
        let done = reseal_account_credentials(operator(), &setup.app.postgres, &both, &entropy, &*setup.app.clock);
        done.await.unwrap()
    };
    assert_eq!((reseal().await, reseal().await), (1, 0));
    assert_eq!(setup.stored_token(&new).await, Some(token));
    let left = "SELECT count(*) FROM account_credentials WHERE access_token_sealed_with = 'test'
        OR two_step_pin_sealed_with = 'test'";
    assert_eq!(setup.app.database.count(left).await, 0);
    // What Meta said of the token stays.
    assert_eq!(setup.read().await.sending.state, "ready");
    assert!(setup.read().await.last_check.is_some());
    setup.app.stop().await;
}
