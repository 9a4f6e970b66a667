//! Requests to send that arrive at the same time are stored together, each with an outcome of its own.

use std::sync::{Arc, Mutex};

use flows::{
    Destination, KeyedRequest, MessageRequest, OutboundMessage, Recipient, SendAnswer, SendBell, SendMessageError,
    SendRequest, SendStore as _, SendTimes, Sender, StoreSendError, StoredResponse,
};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use kernel::ids::{AccountId, TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Actor, Clock, Permit};
use outbound::{Content, OnUnknown};
use pipeline::{SendFlusher, SendIntake};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Setup;
use crate::kit::api::Conversation;
use crate::kit::app::TestTenant;
use crate::kit::wait;
use crate::transactions::scope_of;

type Outcome = Result<SendAnswer, StoreSendError>;

/// Counts the rings of each account.
#[derive(Default)]
struct Rings(Mutex<Vec<AccountId>>);

impl SendBell for Rings {
    fn ring(&self, account: AccountId) {
        self.0.lock().unwrap().push(account);
    }
}

/// An intake of sends whose flusher is not running yet.
struct Group {
    intake: SendIntake,
    flusher: SendFlusher,
    rings: Arc<Rings>,
    waiting: Vec<BoxFuture<'static, Outcome>>,
}

impl Group {
    fn new(setup: &Setup) -> Self {
        let rings: Arc<Rings> = Arc::default();
        let ring = Arc::new(KeyRing::new([("test".to_owned(), vec![7; 32].into())]).unwrap());
        let clock: Arc<dyn Clock> = Arc::clone(&setup.app.clock) as _;
        let bell: Arc<dyn SendBell> = Arc::clone(&rings) as _;
        let (intake, flusher) = SendIntake::new(Arc::new(setup.app.postgres.clone()), ring, clock, bell);
        Self { intake, flusher, rings, waiting: Vec::new() }
    }

    fn ask(&mut self, request: SendRequest) {
        let intake = self.intake.clone();
        let mut outcome = async move { intake.store(request).await }.boxed();
        assert!(outcome.as_mut().now_or_never().is_none(), "it waits");
        self.waiting.push(outcome);
    }

    /// Stores what waits.
    async fn flush(&mut self) -> Vec<Outcome> {
        let stop = CancellationToken::new();
        stop.cancel();
        self.flusher.clone().run(stop).await;
        join_all(std::mem::take(&mut self.waiting)).await
    }
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "as the request takes it")]
fn render(message: OutboundMessage) -> Result<StoredResponse, Box<dyn std::error::Error + Send + Sync>> {
    let place = message.message.row.arrival;
    Ok(StoredResponse { status: 202, body: format!("{} {place:?}", message.message.row.id) })
}

async fn user(tenant: &TestTenant) -> Actor {
    Actor::User(UserId::from_uuid(tenant.me().await.user.id.parse().unwrap()))
}

#[expect(clippy::disallowed_methods, reason = "the user is the tenant's owner")]
async fn request(tenant: &TestTenant, conversation: &str, body: &str) -> SendRequest {
    let content = json!({"type": "text", "text": {"body": body}});
    SendRequest {
        permit: Permit::new(scope_of(TenantId::from_uuid(tenant.id.parse().unwrap())), user(tenant).await),
        destination: Destination::Conversation(conversation.parse().unwrap()),
        message: MessageRequest {
            content: Content::parse(&content).unwrap(),
            content_json: content.to_string(),
            reply_to: None,
            times: SendTimes::default(),
            on_unknown: OnUnknown::Hold,
            cancel_if_customer_writes: false,
            client_ref: None,
            trace: None,
        },
        key: None,
        render,
    }
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Err(StoreSendError::Refused(_)))
}

impl Setup {
    /// What Parley sends in a conversation, oldest first.
    async fn sent_texts(&self, tenant: &TestTenant, conversation: &Conversation) -> Vec<String> {
        let mut messages = tenant.all_messages(conversation).await;
        messages.retain(|message| message.direction == "outbound");
        messages.iter().rev().map(|message| message.text.clone()).collect()
    }

    /// The transactions that stored what is sent. Senders change the messages, but not the lines in the histories.
    async fn transactions(&self) -> i64 {
        let lines = "SELECT count(DISTINCT xmin::text) FROM interactions WHERE kind = 'outbound_message'";
        self.app.database.count(lines).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_tenant_share_a_transaction() {
    let setup = Setup::new().await;
    let (_, other) = setup.meta.conversation(&setup.tenant, &setup.line).await;
    let mut group = Group::new(&setup);
    let missing = "01a22963-8f2a-7362-8107-000000000000".to_owned();
    let rows = [(&setup.conversation.id, "1"), (&other.id, "2"), (&missing, "3"), (&setup.conversation.id, "4")];
    for (conversation, text) in rows {
        group.ask(request(&setup.tenant, conversation, text).await);
    }
    for n in 5..30 {
        group.ask(request(&setup.tenant, &setup.conversation.id, &n.to_string()).await);
    }
    let outcomes = group.flush().await;
    let refused: Vec<usize> = (0..outcomes.len()).filter(|place| is_refused(&outcomes[*place])).collect();
    assert_eq!(refused, [2], "{outcomes:?}");
    assert!(outcomes.iter().filter(|it| it.is_ok()).count() == outcomes.len() - 1, "{outcomes:?}");
    assert_eq!(setup.transactions().await, 1);
    let expected: Vec<String> = [1, 4].into_iter().chain(5..30).map(|n: i32| n.to_string()).collect();
    assert_eq!(setup.sent_texts(&setup.tenant, &setup.conversation).await, expected, "in the order of the requests");
    assert_eq!(setup.sent_texts(&setup.tenant, &other).await, ["2"]);
    assert_eq!(group.rings.0.lock().unwrap().len(), 1, "one bell for the number");
    let shown = setup.tenant.conversations().await.into_iter().find(|it| it.id == setup.conversation.id).unwrap();
    assert_eq!(shown.last_message_preview, "29");
    let lines = "SELECT count(*) FROM interactions WHERE kind = 'outbound_message'";
    assert_eq!(setup.app.database.count(lines).await, 28);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_repeated_within_a_group_sends_one_message() {
    let setup = Setup::new().await;
    let mut group = Group::new(&setup);
    let sender = Sender::from(user(&setup.tenant).await);
    let keyed = |digest: u8| KeyedRequest {
        sender,
        route: "POST /messages".to_owned(),
        key: "k".parse().unwrap(),
        digest: [digest; 32],
    };
    for digest in [1, 1, 2] {
        let request = request(&setup.tenant, &setup.conversation.id, "once").await;
        group.ask(SendRequest { key: Some(keyed(digest)), ..request });
    }
    let outcomes = group.flush().await;
    let [Ok(first), Ok(again), Err(StoreSendError::Idempotency(_))] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(!first.is_replayed && again.is_replayed && first.response == again.response);
    assert_eq!(setup.sent_texts(&setup.tenant, &setup.conversation).await, ["once"]);
    // A later group finds the stored response.
    let mut later = Group::new(&setup);
    let request = request(&setup.tenant, &setup.conversation.id, "once").await;
    later.ask(SendRequest { key: Some(keyed(1)), ..request });
    let outcomes = later.flush().await;
    assert!(matches!(&outcomes[..], [Ok(answer)] if answer.is_replayed && answer.response == first.response));
    assert_eq!(setup.transactions().await, 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_have_transactions_of_their_own() {
    let setup = Setup::new().await;
    let other = setup.app.tenant().await;
    let line = setup.meta.line(&setup.app, &other).await;
    let (_, of_other) = setup.meta.conversation(&other, &line).await;
    let mut group = Group::new(&setup);
    for n in 0..3 {
        group.ask(request(&setup.tenant, &setup.conversation.id, &format!("a{n}")).await);
        group.ask(request(&other, &of_other.id, &format!("b{n}")).await);
    }
    // Another tenant's conversation does not exist.
    group.ask(request(&other, &setup.conversation.id, "foreign").await);
    let outcomes = group.flush().await;
    let (foreign, own) = outcomes.split_last().unwrap();
    assert!(own.iter().all(Result::is_ok), "{own:?}");
    assert!(matches!(foreign, Err(StoreSendError::Refused(SendMessageError::NotFound))), "{foreign:?}");
    assert_eq!(setup.transactions().await, 2);
    assert_eq!(setup.sent_texts(&setup.tenant, &setup.conversation).await, ["a0", "a1", "a2"]);
    assert_eq!(setup.sent_texts(&other, &of_other).await, ["b0", "b1", "b2"]);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_stranger_leaves_no_contact_and_others_stored() {
    let setup = Setup::new().await;
    let mut group = Group::new(&setup);
    let account = setup.line.account.id.parse().unwrap();
    group.ask(request(&setup.tenant, &setup.conversation.id, "1").await);
    let stranger = Destination::Person(account, Recipient::Bsuid(crate::kit::customer::fresh_bsuid()));
    group.ask(SendRequest { destination: stranger, ..request(&setup.tenant, &setup.conversation.id, "2").await });
    let known = Destination::Person(account, Recipient::Contact(setup.conversation.contact_id.parse().unwrap()));
    group.ask(SendRequest { destination: known, ..request(&setup.tenant, &setup.conversation.id, "3").await });
    let outcomes = group.flush().await;
    let closed = matches!(&outcomes[1], Err(StoreSendError::Refused(SendMessageError::WindowClosed(_))));
    assert!(outcomes[0].is_ok() && closed && outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(setup.sent_texts(&setup.tenant, &setup.conversation).await, ["1", "3"]);
    assert_eq!(setup.tenant.contacts().await.len(), 1);
    assert_eq!(setup.tenant.conversations().await.len(), 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_the_database_refuses_fails_alone() {
    let setup = Setup::new().await;
    let mut group = Group::new(&setup);
    for body in ["1", "2", "3"] {
        let mut request = request(&setup.tenant, &setup.conversation.id, body).await;
        if body == "2" {
            // No text of Postgres's.
            request.message.content_json = "\0".to_owned();
        }
        group.ask(request);
    }
    let outcomes = group.flush().await;
    assert!(matches!(&outcomes[..], [Ok(_), Err(StoreSendError::NotStored(_)), Ok(_)]), "{outcomes:?}");
    let mut texts = setup.sent_texts(&setup.tenant, &setup.conversation).await;
    texts.sort();
    assert_eq!(texts, ["1", "3"]);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_is_stored_after_its_client_disconnects() {
    let setup = Setup::new().await;
    let mut group = Group::new(&setup);
    group.ask(request(&setup.tenant, &setup.conversation.id, "hangs up").await);
    group.waiting.clear();
    assert!(group.flush().await.is_empty());
    assert_eq!(setup.sent_texts(&setup.tenant, &setup.conversation).await, ["hangs up"]);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_intake_refuses_and_lost_database_answers_all() {
    let setup = Setup::new().await;
    let mut group = Group::new(&setup);
    assert!(group.flush().await.is_empty());
    let late = group.intake.store(request(&setup.tenant, &setup.conversation.id, "late").await).await;
    assert!(matches!(late, Err(StoreSendError::CutOff)), "{late:?}");
    let mut lost = Group::new(&setup);
    for body in ["1", "2"] {
        lost.ask(request(&setup.tenant, &setup.conversation.id, body).await);
    }
    setup.app.database.refuse_connections().await;
    let outcomes = lost.flush().await;
    setup.app.database.accept_connections().await;
    let all_fail = outcomes.iter().all(|outcome| matches!(outcome, Err(StoreSendError::NotStored(_))));
    assert!(outcomes.len() == 2 && all_fail, "{outcomes:?}");
    assert!(setup.sent_texts(&setup.tenant, &setup.conversation).await.is_empty());
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_http_at_once_are_all_answered() {
    let setup = Setup::new().await;
    let path = setup.messages_path();
    let post = async |n: usize| {
        let sent = setup.tenant.client.post(&path, &super::text(&n.to_string())).await;
        sent.body::<crate::kit::api::Message>(202)
    };
    let sent = join_all((0..40).map(post)).await;
    wait::until("all messages at Meta", async || {
        (setup.meta.journal(&setup.line).await.len() == sent.len()).then_some(())
    })
    .await;
    let mut ids: Vec<&str> = sent.iter().map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    setup.app.finish().await;
}
