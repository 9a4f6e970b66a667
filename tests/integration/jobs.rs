//! Durable work: a job runs until it has an outcome, by one runner at a time, tenants in turn; people work with dead letters.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use flows::{Database as _, JobHandler, settle};
use jobs::{ClaimedJobs, JobClaim, JobKind, JobOrder, JobOutcome, JobSubject, JobTurn, NewJob, NextState};
use kernel::ids::{JobRunnerId, TenantId};
use kernel::{Clock as _, ErrorClass, StoreError, SystemEntropy, TenantScope};
use pipeline::JobRunner;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::kit::api::AuditRecord;
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::transactions::scope_of;

const KIND: JobKind = JobKind::TemplateSync;

/// Notes its runs, and does what the test wants.
struct Scripted {
    runs: Mutex<Vec<(TenantId, String)>>,
    outcome: Mutex<JobOutcome>,
    /// Of the first run: it goes on when the test is there, too.
    meeting: Mutex<Option<Arc<Barrier>>>,
}

impl Scripted {
    fn new(outcome: JobOutcome) -> Arc<Self> {
        Arc::new(Self { runs: Mutex::default(), outcome: Mutex::new(outcome), meeting: Mutex::default() })
    }

    fn runs(&self) -> Vec<(TenantId, String)> {
        self.runs.lock().unwrap().clone()
    }

    fn answer(&self, outcome: JobOutcome) {
        *self.outcome.lock().unwrap() = outcome;
    }
}

#[async_trait]
impl JobHandler for Scripted {
    fn kind(&self) -> JobKind {
        KIND
    }

    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome {
        self.runs.lock().unwrap().push((scope.tenant(), subject.to_string()));
        let meeting = self.meeting.lock().unwrap().take();
        if let Some(meeting) = meeting {
            meeting.wait().await;
            meeting.wait().await;
        }
        tokio::task::yield_now().await;
        self.outcome.lock().unwrap().clone()
    }
}

/// A server that runs no jobs by itself, with a database of its own.
struct Setup {
    app: TestApp,
    tenant: TestTenant,
}

impl Setup {
    async fn new() -> Self {
        let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
        let tenant = app.tenant().await;
        Self { app, tenant }
    }

    fn runner(&self, handler: &Arc<Scripted>) -> JobRunner {
        JobRunner {
            database: Arc::new(self.app.postgres.clone()),
            handlers: vec![Arc::clone(handler) as Arc<dyn JobHandler>],
            clock: self.app.clock.clone(),
            entropy: Arc::new(SystemEntropy::new()),
            bell: Arc::new(Notify::new()),
        }
    }

    async fn schedule(&self, tenant: &TestTenant, subject: &str) {
        let clock = &*self.app.clock;
        let job = NewJob::new(KIND, JobSubject::parse(subject).unwrap(), clock.now(), clock);
        let mut tx = self.app.postgres.tenant(&scope(tenant)).await.unwrap();
        let scheduled = tx.schedule_job(&job).await;
        settle(tx, scheduled).await.unwrap();
    }

    /// Claims as a process does that dies at once: its lease ends with the claim.
    async fn claim_and_die(&self) -> ClaimedJobs {
        let turn = JobTurn { after: None, tenants: 10, jobs: 10, per_tenant: 10 };
        let (runner, now) = (JobRunnerId::new(&*self.app.clock), self.app.clock.now());
        let max_starts = KIND.policy().max_starts;
        let claim = JobClaim {
            kind: KIND,
            runner,
            now,
            lease: TimeDelta::zero(),
            max_starts,
            order: JobOrder::LongestDue,
            turn,
        };
        let mut tx = self.app.postgres.directory().await.unwrap();
        let claimed = tx.claim_jobs(&claim).await;
        settle(tx, claimed).await.unwrap()
    }

    /// Access tokens expire when the clock is moved.
    async fn listed(&self, query: &str) -> Vec<Value> {
        let tenant = self.tenant.log_in_again(&self.app).await;
        tenant.client.list(&format!("/jobs{query}")).await
    }
}

fn scope(tenant: &TestTenant) -> TenantScope {
    scope_of(tenant.id.parse().unwrap())
}

fn because() -> Value {
    json!({"reason": "The cause is gone"})
}

fn no_answer() -> JobOutcome {
    JobOutcome::retry(ErrorClass::Transient, "no answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn job_is_run_once_by_two_runners() {
    let setup = Setup::new().await;
    let subjects: Vec<String> = (0..40).map(|number| format!("subject-{number:02}")).collect();
    for subject in &subjects {
        setup.schedule(&setup.tenant, subject).await;
    }
    let handler = Scripted::new(JobOutcome::Done);
    let (first, second) = (setup.runner(&handler), setup.runner(&handler));
    // A runner that finds nothing while the other has all that the tenant may run is done early.
    let (one, two) = tokio::join!(first.run_due(), second.run_due());
    let rest = first.run_due().await;
    assert_eq!(one + two + rest, 40);
    let mut run: Vec<String> = handler.runs().into_iter().map(|(_, subject)| subject).collect();
    run.sort();
    assert_eq!(run, subjects);
    assert_eq!(setup.listed("").await, Vec::<Value>::new(), "a job that is done has no row");
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_job_is_retried_later_until_it_is_a_dead_letter() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    let handler = Scripted::new(no_answer());
    let runner = setup.runner(&handler);
    assert_eq!((runner.run_due().await, runner.run_due().await), (1, 0), "not again at once");
    let job = &setup.listed("?state=waiting&kind=template_sync").await[0];
    assert_eq!((&job["subject"], &job["attempts"]), (&json!("900"), &json!(1)));
    assert_eq!((&job["error_class"], &job["last_error"]), (&json!("transient"), &json!("no answer")));

    setup.app.clock.advance(TimeDelta::hours(2));
    assert_eq!(runner.run_due().await, 1);
    let last = KIND.policy().retry.max_attempts - 1;
    setup.app.database.execute(&format!("UPDATE jobs SET attempts = {last}")).await;
    setup.app.clock.advance(TimeDelta::hours(2));
    assert_eq!(runner.run_due().await, 1);
    setup.app.clock.advance(TimeDelta::days(1));
    assert_eq!(runner.run_due().await, 0, "a dead letter waits for people");
    assert_eq!(setup.listed("?state=dead").await[0]["attempts"], last + 1);
    assert_eq!(setup.listed("?state=waiting").await.len(), 0);

    // A new wish is another chance.
    handler.answer(JobOutcome::DoneUntil(setup.app.clock.now() + TimeDelta::days(1)));
    setup.schedule(&setup.tenant, "900").await;
    assert_eq!((runner.run_due().await, runner.run_due().await), (1, 0));
    let job = &setup.listed("").await[0];
    assert_eq!((&job["state"], &job["attempts"], &job["last_error"]), (&json!("waiting"), &json!(0), &Value::Null));
    setup.app.clock.advance(TimeDelta::days(1));
    handler.answer(JobOutcome::Done);
    assert_eq!(runner.run_due().await, 1, "it is done each day");
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_whose_processes_die_is_run_by_people_only() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    for _ in 0..KIND.policy().max_starts {
        assert_eq!(setup.claim_and_die().await.jobs.len(), 1);
    }
    let handler = Scripted::new(JobOutcome::Done);
    let runner = setup.runner(&handler);
    assert_eq!((runner.run_due().await, handler.runs()), (0, vec![]));
    let job = &setup.listed("?state=dead").await[0];
    assert_eq!(job["error_class"], "poison");
    setup.schedule(&setup.tenant, "900").await;
    assert_eq!(runner.run_due().await, 0, "what kills processes is not run again by a new wish");

    let path = format!("/jobs/{}/retry", job["id"].as_str().unwrap());
    setup.tenant.client.post(&path, &because()).await.expect(200);
    assert_eq!(runner.run_due().await, 1);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcome_ends_the_count_of_starts() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    let handler = Scripted::new(no_answer());
    let runner = setup.runner(&handler);
    for _ in 0..3 {
        assert_eq!(setup.claim_and_die().await.jobs.len(), 1);
        assert_eq!(runner.run_due().await, 1);
        setup.app.clock.advance(TimeDelta::hours(2));
    }
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn due_jobs_of_a_tenant_do_not_delay_another() {
    let setup = Setup::new().await;
    let other = setup.app.tenant().await;
    let many = format!(
        "INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at)
         SELECT '{}', gen_random_uuid(), 'template_sync', number::text, '2020-01-01', '2020-01-01'
           FROM generate_series(1, 1000) number",
        setup.tenant.id
    );
    setup.app.database.execute(&many).await;
    setup.schedule(&other, "900").await;
    let handler = Scripted::new(JobOutcome::Done);
    assert_eq!(setup.runner(&handler).run_due().await, 1_001);
    let runs = handler.runs();
    let place = runs.iter().position(|(tenant, _)| tenant.to_string() == other.id).unwrap();
    assert!(place < KIND.policy().concurrent, "run {place} of {}", runs.len());
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_suspended_tenant_wait() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    let set = async |status: &str| {
        setup
            .app
            .database
            .execute(&format!("UPDATE tenants SET status = '{status}' WHERE id = '{}'", setup.tenant.id))
            .await;
    };
    let handler = Scripted::new(JobOutcome::Done);
    let runner = setup.runner(&handler);
    set("suspended").await;
    assert_eq!(runner.run_due().await, 0);
    set("active").await;
    assert_eq!(runner.run_due().await, 1);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_scheduled_while_it_runs_is_run_again() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    let handler = Scripted::new(JobOutcome::Done);
    let meeting = Arc::new(Barrier::new(2));
    *handler.meeting.lock().unwrap() = Some(Arc::clone(&meeting));
    let runner = setup.runner(&handler);
    let request = async {
        meeting.wait().await;
        setup.schedule(&setup.tenant, "900").await;
        assert_eq!(setup.runner(&handler).run_due().await, 0, "it has a runner");
        meeting.wait().await;
    };
    let (runs, ()) = tokio::join!(runner.run_due(), request);
    assert_eq!((runs, handler.runs().len()), (2, 2));
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runner_that_lost_a_job_records_nothing() {
    let setup = Setup::new().await;
    setup.schedule(&setup.tenant, "900").await;
    let lost = setup.claim_and_die().await.jobs.remove(0);
    let tomorrow = setup.app.clock.now() + TimeDelta::days(1);
    let handler = Scripted::new(JobOutcome::DoneUntil(tomorrow));
    assert_eq!(setup.runner(&handler).run_due().await, 1);
    let mut tx = setup.app.postgres.tenant(&scope(&setup.tenant)).await.unwrap();
    let late = JobRunnerId::new(&*setup.app.clock);
    let settled = tx.settle_job(lost.id, late, &NextState::Finished, setup.app.clock.now()).await;
    assert!(!settle::<_, _, StoreError>(tx, settled).await.unwrap());
    assert_eq!(setup.listed("").await.len(), 1);
    setup.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_retried_or_discarded_by_people() {
    let setup = Setup::new().await;
    let handler = Scripted::new(JobOutcome::Dead(jobs::JobFailure {
        class: ErrorClass::Permanent,
        error: "it does not exist".to_owned(),
    }));
    let runner = setup.runner(&handler);
    setup.schedule(&setup.tenant, "900").await;
    let id = setup.listed("").await[0]["id"].as_str().unwrap().to_owned();
    let path = |what: &str| format!("/jobs/{id}/{what}");
    let client = &setup.tenant.client;
    for what in ["retry", "discard"] {
        client.post(&path(what), &because()).await.problem(409, "not_dead_letter");
    }
    assert_eq!(runner.run_due().await, 1);
    assert_eq!(setup.listed("?state=dead").await[0]["error_class"], "permanent");

    let other = setup.app.tenant().await.client;
    for what in ["retry", "discard"] {
        other.post(&path(what), &because()).await.problem(404, "not_found");
        client.post(&path(what), &json!({"reason": " "})).await.problem(422, "validation_failed");
    }
    let retried: Value = client.post(&path("retry"), &because()).await.json(200);
    assert_eq!((&retried["state"], &retried["attempts"]), (&json!("waiting"), &json!(0)));
    assert_eq!(runner.run_due().await, 1);
    client.post(&path("discard"), &because()).await.expect(204);
    client.post(&path("discard"), &because()).await.problem(404, "not_found");
    assert!(setup.listed("").await.is_empty());

    let records: Vec<AuditRecord> = client.list("/audit-log").await;
    let audited: Vec<&AuditRecord> = records.iter().filter(|record| record.action.starts_with("job.")).collect();
    assert_eq!(
        audited.iter().map(|record| record.action.as_str()).collect::<Vec<_>>(),
        ["job.discarded", "job.retried"]
    );
    assert_eq!(audited[1].changes["subject"], "900");
    setup.app.stop().await;
}
