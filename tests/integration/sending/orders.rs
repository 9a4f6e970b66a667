//! Whatever the order of an answer and of statuses, and however often each comes, a send ends alike (S6).

use chrono::TimeDelta;
use crm::inbox::{Batch, MessageKey, MessageUpdate, SentProof, UpdateEffect, record_batch};
use flows::{
    Database as _, LeasedNumber, NumberTurn, Settlement, StartedSend, recover_number, settle_number, take_turn,
};
use kernel::ids::{AccountId, SenderId, TenantId};
use kernel::{Arrival, Clock as _, DeliveryStatus, Direction, SystemClock};
use outbound::{AttemptFacts, CallOutcome, PairPacer, SendLedger};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use whatsapp::GraphError;

use crate::kit::api::{Conversation, Message};
use crate::kit::app::{Settings, TestApp};
use crate::kit::customer::fresh_phone;
use crate::kit::meta::fresh_wamid;
use crate::kit::sandbox::MetaSandbox;
use crate::specified_rules::message;
use crate::transactions::scope_of;

/// A number's sends that can be under way at once.
const CASES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Unclear,
    /// Without statuses: Meta does not have the message.
    Refused,
    /// The sender died during the call.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Answer,
    /// Another sender takes the number over.
    Recovery,
    Status(DeliveryStatus),
}

#[derive(Clone, Debug)]
struct Case {
    on_unknown: &'static str,
    answer: Answer,
    /// The statuses name the attempt.
    has_opaque_data: bool,
    steps: Vec<Step>,
}

fn case() -> impl Strategy<Value = Case> {
    let statuses = subsequence(
        vec![DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Read, DeliveryStatus::Failed],
        0..=4,
    );
    (
        select(vec!["hold", "resend", "fail"]),
        select(vec![Answer::Accepted, Answer::Unclear, Answer::Refused, Answer::Lost]),
        prop::bool::weighted(0.8),
        statuses,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_flat_map(|(on_unknown, answer, has_opaque_data, statuses, is_repeated, is_recovered)| {
            let mut steps = Vec::new();
            if answer != Answer::Lost {
                steps.push(Step::Answer);
            }
            if answer == Answer::Lost || is_recovered && answer != Answer::Refused {
                steps.push(Step::Recovery);
            }
            if answer != Answer::Refused {
                let times = if is_repeated { 2 } else { 1 };
                steps.extend(statuses.iter().flat_map(|status| vec![Step::Status(*status); times]));
            }
            Just(steps).prop_shuffle().prop_map(move |steps| Case { on_unknown, answer, has_opaque_data, steps })
        })
}

/// What people see in the end, and whether it may have been sent: a specification without an order.
fn expected(case: &Case) -> (&'static str, bool) {
    let is_known = case.has_opaque_data || case.answer == Answer::Accepted;
    let told = case.steps.iter().filter_map(|step| match step {
        Step::Status(status) if is_known => Some(*status),
        _ => None,
    });
    match (told.reduce(DeliveryStatus::latest), case.answer, case.on_unknown) {
        (Some(status), ..) => (status.into(), false),
        (None, Answer::Accepted, _) => ("accepted", false),
        (None, Answer::Refused, _) => ("failed", false),
        (None, Answer::Unclear | Answer::Lost, "hold") => ("unknown", true),
        (None, Answer::Unclear | Answer::Lost, "resend") => ("queued", true),
        (None, Answer::Unclear | Answer::Lost, _) => ("failed", true),
    }
}

fn outcome(answer: Answer, wamid: &str) -> CallOutcome {
    match answer {
        Answer::Accepted => CallOutcome::Accepted { wamid: Some(wamid.to_owned()), wa_id: None },
        Answer::Refused => {
            CallOutcome::Refused(GraphError { http_status: Some(400), code: Some(131_026), ..GraphError::default() })
        }
        Answer::Unclear | Answer::Lost => {
            CallOutcome::Unclear { reason: "no answer in time".to_owned(), http_status: None }
        }
    }
}

/// A status as an event has it.
fn batch(case: &Case, send: &StartedSend, message: MessageKey, status: DeliveryStatus, arrival: i64) -> Batch {
    let update = MessageUpdate {
        message: message.clone(),
        effect: UpdateEffect::Status { status: status.into_str().to_owned(), participant: String::new() },
        customer: None,
        recipient: None,
        direction: Direction::Outbound,
        payload: None,
        occurred_at: SystemClock::new().now(),
        arrival: Arrival::new(arrival),
    };
    let proof = SentProof {
        send: send.attempt.send,
        attempt: send.attempt.attempt,
        message,
        is_failure: status == DeliveryStatus::Failed,
    };
    let proofs = if case.has_opaque_data { vec![proof] } else { Vec::new() };
    Batch { updates: vec![update], proofs, ..Batch::default() }
}

struct Fixture {
    app: TestApp,
    tenant: TenantId,
    account: AccountId,
    holder: SenderId,
}

impl Fixture {
    /// Begins all sends: what a sender does before it calls Meta.
    async fn begin(&self) -> Vec<StartedSend> {
        let now = self.app.clock.now();
        let mut directory = self.app.postgres.directory().await.unwrap();
        SendLedger::lease_numbers(&mut *directory, self.holder, now, TimeDelta::minutes(10), 10).await.unwrap();
        directory.commit().await.unwrap();
        let mut tx = self.app.postgres.tenant(&scope_of(self.tenant)).await.unwrap();
        let number = LeasedNumber { account: self.account, holder: self.holder };
        let mut pairs = PairPacer::default();
        let turn = take_turn(&mut *tx, number, CASES, &mut pairs, (&*self.app.clock, std::time::Duration::ZERO))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        match turn {
            NumberTurn::Started { sends, .. } => sends,
            other => panic!("{other:?}"),
        }
    }

    async fn apply(&self, case: &Case, send: &StartedSend, wamid: &str) {
        for (place, step) in case.steps.iter().enumerate() {
            let now = self.app.clock.now();
            let mut tx = self.app.postgres.tenant(&scope_of(self.tenant)).await.unwrap();
            match step {
                Step::Answer => {
                    let facts = AttemptFacts { ended_at: now, ..send.facts.clone() };
                    let (send, pause) = outbound::settle(&facts, outcome(case.answer, wamid), 0.5);
                    settle_number(&mut *tx, self.account, &[Settlement { send, pause, token_set_at: None }], now)
                        .await
                        .unwrap();
                }
                Step::Recovery => {
                    // The others are under way still.
                    let others = self.others(send).await;
                    recover_number(&mut *tx, self.account, &others, now).await.unwrap();
                }
                Step::Status(status) => {
                    let arrival = i64::try_from(place).unwrap() + 1;
                    let batch = batch(case, send, (self.account, wamid.to_owned()), *status, arrival);
                    record_batch(&mut *tx, batch, &*self.app.clock).await.unwrap();
                }
            }
            tx.commit().await.unwrap();
        }
    }

    async fn others(&self, send: &StartedSend) -> Vec<kernel::ids::SendId> {
        let all: Vec<kernel::ids::SendId> = serde_json::from_str::<Vec<uuid::Uuid>>(
            &self.app.database.text("SELECT jsonb_agg(id)::text AS finding FROM sends").await,
        )
        .unwrap()
        .into_iter()
        .map(kernel::ids::SendId::from_uuid)
        .collect();
        all.into_iter().filter(|id| *id != send.attempt.send).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_answer_and_statuses_ends_alike() {
    let meta = MetaSandbox::start();
    // No sender runs: the test does its work.
    let app =
        TestApp::start_with(Settings { own_database: true, graph_port: meta.port(), ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let account: AccountId = line.account.id.parse().unwrap();
    let fixture = Fixture { tenant: tenant.id.parse().unwrap(), account, holder: SenderId::new(&*app.clock), app };

    let mut tx = fixture.app.postgres.tenant(&scope_of(fixture.tenant)).await.unwrap();
    let now = fixture.app.clock.now();
    let messages = (0..CASES).map(|_| message(account, &fresh_phone(), Direction::Inbound, now)).collect();
    record_batch(&mut *tx, Batch { messages, ..Batch::default() }, &*fixture.app.clock).await.unwrap();
    tx.commit().await.unwrap();
    let conversations: Vec<Conversation> = tenant.conversations().await;
    assert_eq!(conversations.len(), CASES);

    let mut runner = TestRunner::deterministic();
    let strategy = case();
    let mut wanted: Vec<(Case, Message)> = Vec::new();
    for conversation in &conversations {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let body = json!({"type": "text", "text": {"body": "Hello"}, "on_unknown": case.on_unknown});
        wanted.push((case, tenant.send(conversation, &body).await));
    }
    let begun = fixture.begin().await;
    assert_eq!(begun.len(), CASES);
    for (case, sent) in &wanted {
        let send = begun.iter().find(|send| send.facts.conversation == sent.conversation_id).unwrap();
        let wamid = fresh_wamid();
        fixture.apply(case, send, &wamid).await;
        let now = tenant.read_message(&sent.id).await;
        let (status, may_have_been_sent) = expected(case);
        assert_eq!((now.status.as_deref(), now.may_have_been_sent), (Some(status), may_have_been_sent), "{case:?}");
        let class = now.error.as_ref().map(|error| error.class.as_str());
        assert_eq!(class == Some("unclear"), may_have_been_sent, "{case:?}: {class:?}");
        let is_named = !may_have_been_sent && case.answer != Answer::Refused;
        assert_eq!(now.wamid, is_named.then_some(wamid), "{case:?}");
    }
    fixture.app.stop().await;
}
