//! Message templates: copies of what Meta has, changes at Meta, and Meta's events about them.

use std::sync::Arc;

use chrono::TimeDelta;
use flows::{Database as _, JobHandler, TemplateSyncJob, refresh_template, settle};
use graph::{GraphClient, GraphEndpoint};
use jobs::{JobKind, JobSubject, NewJob};
use kernel::{Clock as _, StoreError, SystemEntropy};
use outbound::BusinessAccountAccess;
use pipeline::JobRunner;
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::account_credentials::test_ring;
use crate::kit::api::{AuditRecord, Resource as _, WhatsAppAccount};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::meta::{Number, fresh_digits};
use crate::transactions::scope_of;

/// A server whose Meta is a sandbox, and a tenant with a number that has an access token.
struct Setup {
    app: TestApp,
    meta: Sandbox,
    tenant: TestTenant,
    number: Number,
    account: WhatsAppAccount,
    token: String,
    http: reqwest::Client,
}

impl Setup {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let meta = Sandbox::start(sandbox::Options::default()).unwrap();
        let app = TestApp::start_with(Settings { graph_port: meta.address().port(), ..settings }).await;
        let tenant = app.tenant().await;
        let number = Number::fresh();
        let account = tenant.connect_number(&number).await;
        let (token, http) = (format!("EAA{}", fresh_digits()), reqwest::Client::builder().no_proxy().build().unwrap());
        let setup = Self { app, meta, tenant, number, account, token, http };
        setup.add_to_meta().await;
        let token = json!({"access_token": setup.token});
        setup.tenant.client.patch(&setup.account.path(), &token).await.expect(200);
        setup
    }

    /// Adds the number to the sandbox.
    async fn add_to_meta(&self) {
        let Number { phone_number_id, waba_id } = &self.number;
        let number = json!({"phone_number_id": phone_number_id, "waba_id": waba_id, "tokens": [self.token]});
        self.sandbox("POST", "/numbers", &number).await;
    }

    async fn sandbox(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox{path}", self.meta.url());
        let request = self.http.request(method.parse().unwrap(), url).json(body);
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Adds a template at Meta that is not known here, and returns Meta's id.
    async fn at_meta(&self, name: &str, language: &str, status: &str) -> String {
        let template = json!({
            "waba_id": self.number.waba_id, "name": name, "language": language, "status": status,
            "components": [{"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["Ada"]]}}],
        });
        self.sandbox("POST", "/templates", &template).await["id"].as_str().unwrap().to_owned()
    }

    async fn sync(&self) -> Value {
        self.tenant.client.post("/templates/sync", &json!({})).await.json(200)
    }

    async fn list(&self, query: &str) -> Vec<Value> {
        self.tenant.client.list(&format!("/templates?limit=100&{query}")).await
    }

    /// Name, language and status of each template, in order.
    async fn listed(&self, query: &str) -> Vec<String> {
        let word = |template: &Value, member: &str| template[member].as_str().unwrap().to_owned();
        let line = |template: &Value| ["name", "language", "status"].map(|member| word(template, member)).join(" ");
        let mut lines: Vec<String> = self.list(query).await.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The only template of this name.
    async fn template(&self, name: &str) -> Value {
        let mut found = self.list(&format!("name={name}")).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    async fn path(&self, name: &str) -> String {
        format!("/templates/{}", self.template(name).await["id"].as_str().unwrap())
    }

    /// Delivers an event of Meta's about a template, that happened some seconds from now.
    async fn tell(&self, meta_id: &str, field: &str, seconds: i64, members: Value) {
        let mut value = members;
        value["message_template_id"] = json!(meta_id.parse::<u64>().unwrap());
        let time = self.app.clock.now().timestamp() + seconds;
        let change = json!({"field": field, "value": value});
        let entry = json!({"id": self.number.waba_id, "time": time, "changes": [change]});
        self.app.process(&json!({"object": "whatsapp_business_account", "entry": [entry]})).await;
    }

    fn graph(&self) -> GraphClient {
        let url = self.meta.url().parse().unwrap();
        GraphClient::new(GraphEndpoint { url, version: "v25.0".to_owned() }).unwrap()
    }

    /// Runs due syncs.
    fn job_runner(&self) -> JobRunner {
        let handler = TemplateSyncJob {
            database: Arc::new(self.app.postgres.clone()),
            api: Arc::new(self.graph()),
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

    fn draft(&self, name: &str) -> Value {
        json!({
            "account_id": self.account.id,
            "name": name,
            "language": "de",
            "category": "utility",
            "components": [{"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["Ada"]]}}],
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_makes_the_copies_equal_to_meta() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    setup.at_meta("hello", "en_US", "PAUSED").await;
    let gone = setup.at_meta("old", "de", "APPROVED").await;
    let synced = setup.sync().await;
    let waba_id = &setup.number.waba_id;
    assert_eq!(synced, json!({"data": [{"waba_id": waba_id, "stored": 3, "deleted": 0}]}));
    let all = ["hello de approved", "hello en_US paused", "old de approved"];
    assert_eq!(setup.listed("").await, all);
    assert_eq!(setup.listed("status=paused").await, ["hello en_US paused"]);
    assert_eq!(setup.listed("name=old").await, ["old de approved"]);
    assert_eq!(setup.listed(&format!("account={}", setup.account.id)).await, all);
    assert_eq!(setup.listed("account=0190b5a2-7e2f-7000-8000-000000000000").await, [""; 0]);

    let before = setup.template("old").await;
    assert_eq!((&before["meta_id"], &before["account_id"]), (&json!(gone), &json!(setup.account.id)));
    assert_eq!(before["parameters"], json!([{"where": "body", "name": "1", "example": "Ada"}]));
    setup.app.clock.advance(TimeDelta::seconds(1));
    let delete = format!("/{waba_id}/message_templates?name=hello");
    let url = format!("{}/v25.0{delete}", setup.meta.url());
    setup.http.delete(url).bearer_auth(&setup.token).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(setup.sync().await["data"][0]["deleted"], 2);
    let after = setup.template("old").await;
    assert_eq!(after["id"], before["id"], "it keeps its id");
    assert_ne!(after["synced_at"], before["synced_at"]);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_list_is_read_to_its_last_page() {
    let setup = Setup::new().await;
    for n in 0..130 {
        setup.at_meta(&format!("t{n:03}"), "de", "APPROVED").await;
    }
    assert_eq!(setup.sync().await["data"][0]["stored"], 130);
    assert_eq!(setup.listed("name=t000").await.len() + setup.listed("name=t129").await.len(), 2);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sync_leaves_the_copies() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    setup.sync().await;
    let number = format!("/numbers/{}", setup.number.phone_number_id);
    setup.sandbox("PATCH", &number, &json!({"token_error": 463})).await;
    setup.app.clock.advance(TimeDelta::seconds(1));
    setup.tenant.client.post("/templates/sync", &json!({})).await.problem(409, "channel_not_ready");
    assert_eq!(setup.listed("").await, ["hello de approved"]);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn template_is_created_edited_and_deleted_at_meta() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    let created: Value = client.post("/templates", &setup.draft("hello")).await.json(201);
    assert_eq!((&created["status"], &created["category"]), (&json!("pending"), &json!("utility")));
    let path = format!("/templates/{}", created["id"].as_str().unwrap());
    assert_eq!(client.read::<Value>(&path).await, created);

    // It is under review.
    let edit = json!({"components": [{"type": "BODY", "text": "Hi there"}]});
    client.patch(&path, &edit).await.problem(409, "template_not_editable");
    let change = format!("/templates/{}", created["meta_id"].as_str().unwrap());
    setup.sandbox("PATCH", &change, &json!({"status": "APPROVED", "webhook": false})).await;
    setup.sync().await;
    let edited = client.patch(&path, &edit).await.json(200);
    assert_eq!((&edited["status"], &edited["components"]), (&json!("pending"), &edit["components"]));
    setup.sandbox("PATCH", &change, &json!({"status": "APPROVED", "webhook": false})).await;
    setup.app.clock.advance(TimeDelta::seconds(1));
    setup.sync().await;
    let again = client.patch(&path, &edit).await.problem(409, "template_not_editable");
    assert_eq!(again.detail, "An approved template can be edited once in 24 hours.");

    client.delete(&path).await.expect(204);
    client.get(&path).await.problem(404, "not_found");
    assert_eq!(setup.sync().await["data"][0]["stored"], 0, "it is gone at Meta");
    let actions: Vec<String> = client
        .list::<AuditRecord>("/audit-log?limit=100")
        .await
        .into_iter()
        .map(|record| record.action)
        .filter(|action| action.starts_with("template."))
        .collect();
    assert_eq!(actions, ["template.deleted", "template.edited", "template.created"]);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_has_the_words_of_meta() {
    let setup = Setup::new().await;
    let client = &setup.tenant.client;
    client.post("/templates", &setup.draft("hello")).await.expect(201);
    let refused = client.post("/templates", &setup.draft("hello")).await.problem(422, "template_refused");
    assert_eq!(refused.detail, "Meta refused: There is already content in this language for this template.");

    let mut wrong = setup.draft("hello");
    wrong["components"][0]["text"] = json!("{{2}}");
    let problem = client.post("/templates", &wrong).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/components/0/text");
    let mut foreign = setup.draft("hello");
    foreign["account_id"] = json!("0190b5a2-7e2f-7000-8000-000000000000");
    let problem = client.post("/templates", &foreign).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/account_id");

    let token = json!({"access_token": null});
    client.patch(&setup.account.path(), &token).await.expect(200);
    client.post("/templates", &setup.draft("bye")).await.problem(409, "channel_not_ready");
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn created_template_is_created_once_with_a_key() {
    let setup = Setup::new().await;
    let client = setup.tenant.client.with("idempotency-key", "one");
    let first = client.post("/templates", &setup.draft("hello")).await;
    let again = client.post("/templates", &setup.draft("hello")).await;
    assert_eq!(first.json(201), again.json(201));
    assert_eq!(again.header("idempotency-replayed"), "true");
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preview_shows_what_the_customer_will_see() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    setup.sync().await;
    let path = format!("{}/preview", setup.path("hello").await);
    let preview = async |body: Value| setup.tenant.client.post(&path, &body).await;
    let shown = preview(json!({"parameters": {"body": {"1": "Ada"}}})).await.json(200);
    let nothing = json!([]);
    let expected = json!({"header": null, "body": "Hello Ada", "footer": null, "buttons": nothing, "cards": nothing});
    assert_eq!(shown, expected);
    let missing = preview(json!({})).await.problem(422, "validation_failed");
    assert_eq!(missing.pointer(), "/parameters/body/1");
    let broken = preview(json!({"parameters": {"body": {"1": "a\nb"}}})).await.problem(422, "validation_failed");
    assert_eq!(broken.errors[0].detail, "must not have line breaks or tabs");
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_change_the_copy_in_any_order() {
    let setup = Setup::with(Settings { pipeline: true, ..Settings::default() }).await;
    let id = setup.at_meta("hello", "de", "APPROVED").await;
    setup.sync().await;
    let status = "message_template_status_update";
    let low = json!({"event": "PAUSED", "reason": "LOW_QUALITY"});
    setup.tell(&id, status, 20, low).await;
    setup.tell(&id, status, 10, json!({"event": "APPROVED", "reason": "NONE"})).await;
    let template = setup.template("hello").await;
    assert_eq!((&template["status"], &template["rejection_reason"]), (&json!("paused"), &json!("LOW_QUALITY")));

    let quality = json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"});
    setup.tell(&id, "message_template_quality_update", 30, quality).await;
    let category = json!({"previous_category": "UTILITY", "new_category": "MARKETING"});
    setup.tell(&id, "template_category_update", 31, category).await;
    setup.tell(&id, status, 32, json!({"event": "REINSTATED", "reason": "NONE"})).await;
    let template = setup.template("hello").await;
    let facts = ["status", "quality", "category", "rejection_reason"].map(|member| template[member].clone());
    assert_eq!(facts, [json!("approved"), json!("red"), json!("marketing"), Value::Null]);

    // A list that was asked for before the events does not undo them.
    setup.sync().await;
    assert_eq!(setup.template("hello").await["quality"], "red");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn due_sync_is_made_once_and_repeated_after_a_refusal() {
    let setup = Setup::with(Settings { own_database: true, ..Settings::default() }).await;
    let runner = setup.job_runner();
    assert_eq!(runner.run_due().await, 1, "a number with a token is due at once");
    assert_eq!(runner.run_due().await, 0);

    setup.at_meta("hello", "de", "APPROVED").await;
    setup.app.clock.advance(TimeDelta::minutes(1));
    let clock = &*setup.app.clock;
    let subject = JobSubject::parse(&setup.number.waba_id).unwrap();
    let requested = NewJob::new(JobKind::TemplateSync, subject, clock.now(), clock);
    let mut tx = setup.app.postgres.tenant(&scope_of(setup.tenant.id.parse().unwrap())).await.unwrap();
    let scheduled = tx.schedule_job(&requested).await;
    settle::<_, _, StoreError>(tx, scheduled).await.unwrap();
    assert_eq!(runner.run_due().await, 1);
    assert_eq!(setup.listed("").await, ["hello de approved"]);

    setup.app.clock.advance(TimeDelta::hours(25));
    let number = format!("/numbers/{}", setup.number.phone_number_id);
    setup.sandbox("PATCH", &number, &json!({"token_error": 463})).await;
    assert_eq!(runner.run_due().await, 1);
    assert_eq!(runner.run_due().await, 0, "it is asked again in an hour");
    let syncs = async || {
        let tenant = setup.tenant.log_in_again(&setup.app).await;
        tenant.client.list::<Value>("/jobs?kind=template_sync").await
    };
    let job = &syncs().await[0];
    assert!(job["attempts"] == 1 && job["last_error"].as_str().unwrap().starts_with("Meta refused"), "{job}");
    setup.sandbox("PATCH", &number, &json!({"token_error": null})).await;
    setup.app.clock.advance(TimeDelta::minutes(70));
    assert_eq!(runner.run_due().await, 1);
    let job = &syncs().await[0];
    assert_eq!((&job["attempts"], &job["last_error"]), (&json!(0), &Value::Null));
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_copy_is_refreshed_by_name() {
    let setup = Setup::new().await;
    let (hello, bye) = (setup.at_meta("hello", "de", "PENDING").await, setup.at_meta("bye", "de", "PENDING").await);
    setup.sync().await;
    for id in [&hello, &bye] {
        let approved = json!({"status": "APPROVED", "webhook": false});
        setup.sandbox("PATCH", &format!("/templates/{id}"), &approved).await;
    }
    setup.app.clock.advance(TimeDelta::seconds(1));
    let access =
        BusinessAccountAccess { waba_id: setup.number.waba_id.clone(), access_token: setup.token.as_str().into() };
    let scope = scope_of(setup.tenant.id.parse().unwrap());
    let (postgres, clock) = (&setup.app.postgres, &*setup.app.clock);
    refresh_template(postgres, &scope, &setup.graph(), &access, "hello", clock).await.unwrap();
    assert_eq!(setup.listed("").await, ["bye de pending", "hello de approved"], "no other template is asked for");

    let mut tx = postgres.tenant(&scope).await.unwrap();
    let usable = tx.usable_templates(&access.waba_id, 10).await;
    let usable = settle::<_, _, StoreError>(tx, usable).await.unwrap();
    let names: Vec<String> = usable.iter().map(|(name, language)| format!("{name} {language}")).collect();
    assert_eq!(names, ["hello de"]);
    setup.app.stop().await;
}

/// A message to a new person, with a template that greets Ada.
fn message(setup: &Setup, name: &str) -> Value {
    json!({
        "account_id": setup.account.id,
        "to": {"phone": format!("+49151{}", &fresh_digits()[10..17])},
        "type": "template",
        "template": {"name": name, "language": "de", "parameters": {"body": {"1": "Ada"}}},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn message_says_what_its_template_says() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    setup.at_meta("stopped", "de", "PAUSED").await;
    setup.sync().await;
    let client = &setup.tenant.client;
    let sent = client.post("/crm/messages", &message(&setup, "hello")).await.json(202);
    assert_eq!((&sent["kind"], &sent["text"]), (&json!("template"), &json!("Hello Ada")));

    let mut unfilled = message(&setup, "hello");
    unfilled["template"]["parameters"] = json!({});
    let problem = client.post("/crm/messages", &unfilled).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/template/parameters/body/1");
    for name in ["stopped", "unknown"] {
        client.post("/crm/messages", &message(&setup, name)).await.problem(409, "template_not_usable");
    }
    let mut text = message(&setup, "hello");
    text["type"] = json!("text");
    text["text"] = json!({"body": "Hello"});
    text.as_object_mut().unwrap().remove("template");
    let closed = client.post("/crm/messages", &text).await.json(409);
    assert_eq!(
        (&closed["code"], &closed["templates"]),
        (&json!("window_closed"), &json!([{"name": "hello", "language": "de"}]))
    );
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_copy_alone_refuses_no_message() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    let client = &setup.tenant.client;
    // It was never read.
    client.post("/crm/messages", &message(&setup, "hello")).await.expect(202);
    // Refusals in a row cost one call to Meta.
    setup.at_meta("bye", "de", "APPROVED").await;
    client.post("/crm/messages", &message(&setup, "bye")).await.problem(409, "template_not_usable");
    setup.app.clock.advance(TimeDelta::seconds(11));
    client.post("/crm/messages", &message(&setup, "bye")).await.expect(202);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn template_of_another_tenant_is_unknown() {
    let setup = Setup::new().await;
    setup.at_meta("hello", "de", "APPROVED").await;
    setup.sync().await;
    let path = setup.path("hello").await;
    let other = setup.app.tenant().await.client;
    assert_eq!(other.list::<Value>("/templates").await, Vec::<Value>::new());
    other.get(&path).await.problem(404, "not_found");
    other.delete(&path).await.problem(404, "not_found");
    other.patch(&path, &json!({"components": []})).await.problem(404, "not_found");
    other.post(&format!("{path}/preview"), &json!({})).await.problem(404, "not_found");
    assert_eq!(setup.listed("").await, ["hello de approved"]);
    setup.app.stop().await;
}
