//! Rules that run as SQL yield what their specifications in Rust yield, on generated cases.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use crm::identity::{IdentityKey, Person};
use crm::inbox::{
    Activity, ActivityEffect, Batch, InboxRepo, IncomingMessage, MessageKey, MessageState, MessageUpdate, NewUpdate,
    UpdateEffect, record_batch, service_window_end,
};
use crm::{
    ConversationFilter, ConversationRepo, ConversationStatus, InteractionKind, Media, Message, MessageList,
    MessageParts, preview,
};
use diesel_async::RunQueryDsl as _;
use flows::{Database as _, TenantTx};
use kernel::ids::{AccountId, ContactId, ConversationId};
use kernel::{Arrival, DeliveryStatus, Direction, MessageCategory, Origin, PageLimit, PageRequest};
use outbound::PausedSends;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use strum::VariantArray as _;

use crate::kit::app::TestApp;
use crate::kit::customer::fresh_phone;
use crate::kit::meta::{Number, fresh_wamid};
use crate::transactions::scope_of;

/// The same cases in each run.
fn cases<S: Strategy>(count: usize, strategy: &S) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// A server, and a connected number of a tenant.
struct Fixture {
    app: TestApp,
    account: AccountId,
    tx: Box<dyn TenantTx>,
}

impl Fixture {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.tenant().await;
        let account = tenant.connect_number(&Number::fresh()).await;
        let tx = app.postgres.tenant(&scope_of(tenant.id.parse().unwrap())).await.unwrap();
        Self { account: account.id.parse().unwrap(), app, tx }
    }

    async fn record(&mut self, batch: Batch) {
        record_batch(&mut *self.tx, batch, &*self.app.clock).await.unwrap();
    }

    async fn open_conversation(&mut self) -> crm::Conversation {
        let filter = ConversationFilter { status: Some(ConversationStatus::Open), ..ConversationFilter::default() };
        let page = PageRequest { limit: PageLimit::new(100).unwrap(), after: None };
        ConversationRepo::conversations(&mut *self.tx, &filter, &page).await.unwrap().items.remove(0)
    }

    async fn message(&mut self, conversation: ConversationId, wamid: &str) -> Message {
        let page = PageRequest { limit: PageLimit::new(100).unwrap(), after: None };
        let messages = ConversationRepo::messages(
            &mut *self.tx,
            MessageList::OfConversation(conversation),
            &page,
            MessageParts::default(),
        )
        .await
        .unwrap()
        .items;
        messages.into_iter().find(|message| message.wamid.as_deref() == Some(wamid)).unwrap()
    }

    async fn finish(self) {
        self.tx.rollback().await.unwrap();
        self.app.stop().await;
    }
}

fn customer(phone: &str, seen_at: DateTime<Utc>) -> Person {
    Person { phones: IdentityKey::phone(phone).into_iter().collect(), ..Person::unknown(seen_at) }
}

pub(crate) fn message(
    account: AccountId,
    phone: &str,
    direction: Direction,
    sent_at: DateTime<Utc>,
) -> IncomingMessage {
    IncomingMessage {
        account,
        wamid: fresh_wamid(),
        direction,
        origin: Origin::Live,
        customer: customer(phone, sent_at),
        group_id: None,
        kind: "text".to_owned(),
        text: "original".to_owned(),
        parts: Vec::new(),
        media: None,
        reply_to: None,
        forwarded: None,
        referral: None,
        payload: "{}".to_owned(),
        delivery: (direction == Direction::Outbound).then_some(DeliveryStatus::Sent),
        provider_timestamp: sent_at,
        arrival: Arrival::ZERO,
    }
}

/// Arrivals of updates with these keys. They are recorded in another order than they arrived in, unless a key repeats: what a repeated
/// edit changed before the first one was recorded is not restored.
fn arrivals(keys: &[(&str, String)]) -> Vec<Arrival> {
    let numbers = 1..=i64::try_from(keys.len()).unwrap();
    let is_distinct = keys.iter().collect::<HashSet<_>>().len() == keys.len();
    if is_distinct { numbers.rev().map(Arrival::new).collect() } else { numbers.map(Arrival::new).collect() }
}

/// Who causes an update of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The customer of the conversation, who sent the message if it is inbound.
    Customer,
    OtherCustomer,
    Business,
}

impl By {
    /// The contact by which the specification tells them apart; the database has other ids.
    fn contact(self) -> Option<ContactId> {
        let id = |n: u128| Some(ContactId::from_uuid(uuid::Uuid::from_u128(n)));
        match self {
            Self::Customer => id(1),
            Self::OtherCustomer => id(2),
            Self::Business => None,
        }
    }
}

/// A message, its updates in the order in which they are recorded, and where in that order the message is.
#[derive(Clone, Debug)]
struct MessageCase {
    direction: Direction,
    delivery: DeliveryStatus,
    #[expect(clippy::option_option, reason = "an edit without a caption differs from one that removes it")]
    caption: Option<Option<String>>,
    updates: Vec<(UpdateEffect, By, i64)>,
    position: usize,
    /// Updates in a batch.
    batch: usize,
}

fn message_case() -> impl Strategy<Value = MessageCase> {
    let name = |names: &'static [&'static str]| select(names).prop_map(str::to_owned);
    let mut statuses: Vec<&'static str> = DeliveryStatus::VARIANTS.iter().map(<&str>::from).collect();
    statuses.push("warning");
    let status = (select(statuses).prop_map(str::to_owned), name(&["", "US.1", "US.2"]));
    let effect = prop_oneof![
        4 => status.prop_map(|(status, participant)| UpdateEffect::Status { status, participant }),
        2 => (name(&["e1", "e2", "e3"]), option::of(name(&["first", "second", ""])))
            .prop_map(|(wamid, text)| UpdateEffect::Edit { wamid, text }),
        1 => (name(&["a1", "a2"]), option::of(name(&["👍"])))
            .prop_map(|(wamid, emoji)| UpdateEffect::Reaction { wamid, emoji }),
        1 => name(&["r1", "r2"]).prop_map(|wamid| UpdateEffect::Revocation { wamid }),
    ];
    (
        select(Direction::VARIANTS),
        select(DeliveryStatus::VARIANTS),
        option::of(option::of(name(&["caption"]))),
        vec((effect, select(vec![By::Customer, By::OtherCustomer, By::Business]), 0..6_i64), 0..8),
        0..9_usize,
        1..4_usize,
    )
        .prop_map(|(direction, delivery, caption, updates, position, batch)| MessageCase {
            direction,
            delivery,
            caption,
            position: position.min(updates.len()),
            updates,
            batch,
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn message_state_in_sql_matches_specification() {
    let mut fixture = Fixture::new().await;
    let (account, phone, other_phone) = (fixture.account, fresh_phone(), fresh_phone());
    for case in cases(96, &message_case()) {
        let incoming = IncomingMessage {
            delivery: (case.direction == Direction::Outbound).then_some(case.delivery),
            media: case.caption.clone().map(|caption| Media { id: "media".to_owned(), caption, ..Media::default() }),
            ..message(account, &phone, case.direction, at(0))
        };
        let key: MessageKey = (account, incoming.wamid.clone());
        let arrivals = arrivals(&case.updates.iter().map(|(effect, ..)| effect.key()).collect::<Vec<_>>());
        let updates: Vec<MessageUpdate> = case
            .updates
            .iter()
            .zip(&arrivals)
            .map(|((effect, by, seconds), arrival)| {
                let phone = if *by == By::OtherCustomer { &other_phone } else { &phone };
                let is_status = matches!(effect, UpdateEffect::Status { .. });
                MessageUpdate {
                    message: key.clone(),
                    effect: effect.clone(),
                    // As decoded: of what the business did, the customer is the recipient.
                    customer: (!is_status).then(|| customer(phone, at(*seconds))),
                    recipient: None,
                    direction: if *by == By::Business { Direction::Outbound } else { Direction::Inbound },
                    payload: None,
                    occurred_at: at(*seconds),
                    arrival: *arrival,
                }
            })
            .collect();
        let sender = (case.direction == Direction::Inbound).then_some(By::Customer).and_then(By::contact);
        let expected = MessageState {
            direction: case.direction,
            sender,
            text: incoming.text.clone(),
            media_caption: case.caption.clone(),
            delivery: incoming.delivery,
            edited_at: None,
            revoked_at: None,
            failed_at: None,
            activity: None,
        };
        let stored: Vec<_> = case
            .updates
            .iter()
            .zip(&arrivals)
            .map(|((effect, by, seconds), arrival)| NewUpdate {
                message: key.clone(),
                effect: effect.clone(),
                contact: by.contact(),
                person: None,
                payload: None,
                occurred_at: at(*seconds),
                arrival: *arrival,
            })
            .collect();
        let expected = expected.with_updates(&stored);

        let (before, after) = updates.split_at(case.position);
        for batch in before.chunks(case.batch) {
            fixture.record(Batch { updates: batch.to_vec(), ..Batch::default() }).await;
        }
        fixture.record(Batch { messages: vec![incoming], ..Batch::default() }).await;
        for batch in after.chunks(case.batch) {
            fixture.record(Batch { updates: batch.to_vec(), ..Batch::default() }).await;
        }
        // Computing the state again changes nothing.
        let refreshed = InboxRepo::refresh_messages(&mut *fixture.tx, std::slice::from_ref(&key)).await.unwrap();
        assert!(refreshed.iter().all(|message| !message.text_changed), "{case:#?}");

        let conversation = fixture.open_conversation().await.id;
        let message = fixture.message(conversation, &key.1).await;
        let actual = MessageState {
            direction: message.direction,
            sender,
            text: message.text,
            media_caption: message.media.map(|media| media.caption),
            delivery: message.delivery,
            edited_at: message.edited_at,
            revoked_at: message.revoked_at,
            failed_at: refreshed.as_slice().first().and_then(|message| message.failed_at),
            activity: refreshed.as_slice().first().and_then(|message| message.activity),
        };
        assert_eq!(actual, expected, "{case:#?}");
    }
    fixture.finish().await;
}

/// What happens between a business and a customer.
#[derive(Clone, Copy, Debug)]
enum Step {
    Message(Direction, Origin),
    Call,
    Close,
}

#[tokio::test(flavor = "multi_thread")]
async fn service_window_in_sql_matches_specification() {
    let step = prop_oneof![
        3 => (select(Direction::VARIANTS), select(Origin::VARIANTS)).prop_map(|(by, origin)| Step::Message(by, origin)),
        1 => Just(Step::Call),
        1 => Just(Step::Close),
    ];
    let mut fixture = Fixture::new().await;
    let account = fixture.account;
    for case in cases(32, &vec((step, 0..100_i64), 1..6)) {
        let (phone, mut contacted_at) = (fresh_phone(), Vec::new());
        for (number, (step, seconds)) in case.iter().enumerate() {
            let time = at(*seconds);
            match step {
                Step::Message(direction, origin) => {
                    contacted_at.extend((*direction == Direction::Inbound).then_some(time));
                    let message = IncomingMessage { origin: *origin, ..message(account, &phone, *direction, time) };
                    fixture.record(Batch { messages: vec![message], ..Batch::default() }).await;
                }
                Step::Call => {
                    contacted_at.push(time);
                    let call = Activity {
                        customer: customer(&phone, time),
                        kind: InteractionKind::Call,
                        text: "Incoming call".to_owned(),
                        source: format!("call:{phone}:{number}"),
                        effect: ActivityEffect::ServiceWindow(account),
                        occurred_at: time,
                        arrival: Arrival::ZERO,
                    };
                    fixture.record(Batch { activities: vec![call], ..Batch::default() }).await;
                }
                Step::Close => fixture.close_conversations().await,
            }
        }
        // Opens a conversation if the last one was closed, and does not change the window.
        let answer = message(account, &phone, Direction::Outbound, at(1_000));
        fixture.record(Batch { messages: vec![answer], ..Batch::default() }).await;
        let conversation = fixture.open_conversation().await;
        assert_eq!(conversation.service_window_ends_at, service_window_end(contacted_at), "{case:?}");
        fixture.close_conversations().await;
    }
    fixture.finish().await;
}

impl Fixture {
    async fn close_conversations(&mut self) {
        let filter = ConversationFilter { status: Some(ConversationStatus::Open), ..ConversationFilter::default() };
        let open =
            ConversationRepo::conversations(&mut *self.tx, &filter, &PageRequest::default()).await.unwrap().items;
        for mut conversation in open {
            conversation.status = ConversationStatus::Closed;
            ConversationRepo::update_conversation(&mut *self.tx, &conversation).await.unwrap();
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Preview {
    #[diesel(sql_type = diesel::sql_types::Text)]
    preview: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn preview_in_sql_matches_specification() {
    let characters = || select(vec![' ', '\t', '\n', '\r', '\x0b', '\x0c', 'a', 'Z', '.', 'é', '漢', '👍']);
    let short = vec(characters(), 0..200);
    let long = (vec(characters(), 1..40), 80..200_usize).prop_map(|(part, times)| part.repeat(times));
    let texts = prop_oneof![3 => short, 1 => long].prop_map(|characters| characters.into_iter().collect::<String>());
    let mut connection = crate::kit::database::shared().await.as_app().await;
    for text in cases(200, &texts) {
        let row: Preview = diesel::sql_query("SELECT app.preview($1) AS preview")
            .bind::<diesel::sql_types::Text, _>(&text)
            .get_result(&mut connection)
            .await
            .unwrap();
        assert_eq!(row.preview, preview(&text), "{text:?}");
    }
}

#[derive(diesel::QueryableByName)]
struct Stops {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    stops: bool,
}

/// All cases: there are few.
#[tokio::test(flavor = "multi_thread")]
async fn pause_in_sql_matches_specification() {
    let mut connection = crate::kit::database::shared().await.as_app().await;
    let categories = || MessageCategory::VARIANTS.iter().copied().map(Some).chain([None]);
    for sends in PausedSends::VARIANTS {
        for category in categories() {
            for (is_free_form, within_window) in [(false, false), (false, true), (true, false), (true, true)] {
                // A conversation without a window has no time to compare with.
                let windows = if within_window { vec![Some(true)] } else { vec![Some(false), None] };
                for window in windows {
                    let row: Stops = diesel::sql_query("SELECT app.pause_stops($1, $2, $3, $4) AS stops")
                        .bind::<diesel::sql_types::Text, _>(sends.into_str())
                        .bind::<diesel::sql_types::Bool, _>(is_free_form)
                        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(category.map(<&str>::from))
                        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Bool>, _>(window)
                        .get_result(&mut connection)
                        .await
                        .unwrap();
                    let expected = sends.stops(is_free_form, category, within_window);
                    assert_eq!(row.stops, expected, "{sends:?} {category:?} {is_free_form} {window:?}");
                }
            }
        }
    }
}
