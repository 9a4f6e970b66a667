use kernel::Origin;
use kernel::ids::AccountId;
use outbound::{Content, OnUnknown};
use serde_json::{Value, json};

use super::*;
use crate::fake::{FakeStore, at, key_ring, run};
use crate::{Destination, KeyedRequest, MessageRequest, Quoted, Recipient, SendTimes, Sender as KeySender};

fn message(content: &Value) -> MessageRequest {
    MessageRequest {
        content: Content::parse(content).unwrap(),
        content_json: content.to_string(),
        reply_to: None,
        times: SendTimes::default(),
        on_unknown: OnUnknown::Hold,
        cancel_if_customer_writes: false,
        client_ref: None,
        trace: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the request takes it")]
fn render(message: OutboundMessage) -> Result<StoredResponse, Box<dyn std::error::Error + Send + Sync>> {
    assert_eq!((message.message.row.origin, message.send.is_some()), (Origin::Api, true));
    Ok(StoredResponse { status: 202, body: message.message.row.text })
}

fn request(store: &FakeStore, conversation: ConversationId, body: &str) -> SendRequest {
    SendRequest {
        permit: store.permit(),
        destination: Destination::Conversation(conversation),
        message: message(&json!({"type": "text", "text": {"body": body}})),
        key: None,
        render,
    }
}

fn keyed(store: &FakeStore, request: SendRequest, digest: u8) -> SendRequest {
    let (sender, route) = (KeySender::User(store.caller), "POST /messages".to_owned());
    let key = KeyedRequest { sender, route, key: "k".parse().unwrap(), digest: [digest; 32] };
    SendRequest { key: Some(key), ..request }
}

fn group(store: &mut FakeStore, requests: &[SendRequest]) -> Group {
    let clock = std::sync::Arc::clone(&store.clock);
    let requests: Vec<&SendRequest> = requests.iter().collect();
    run(store_group(store, &requests, &key_ring(&["kek"]), &*clock)).unwrap()
}

/// What each request got: the text of its message, its error, or nothing.
fn texts(group: &Group) -> Vec<String> {
    let text = |outcome: &Option<Outcome>| match outcome {
        None => "undecided".to_owned(),
        Some(Ok(answer)) if answer.is_replayed => format!("again {}", answer.response.body),
        Some(Ok(answer)) => answer.response.body.clone(),
        Some(Err(error)) => error.to_string(),
    };
    group.outcomes.iter().map(text).collect()
}

fn stored_texts(store: &FakeStore) -> Vec<&str> {
    store.sends.stored.iter().map(|new| new.message.text.as_str()).collect()
}

#[test]
fn refused_request_leaves_the_others_stored() {
    let mut store = FakeStore::new();
    let (open, read_only, late) = (store.add_thread(), store.add_thread(), store.add_thread());
    store.thread_mut(read_only).is_read_only = true;
    store.thread_mut(late).service_window_ends_at = Some(at(-1));
    let missing = ConversationId::new(&*store.clock);
    let requests = [
        request(&store, read_only, "1"),
        request(&store, open, "2"),
        request(&store, missing, "3"),
        request(&store, late, "4"),
        request(&store, open, "5"),
    ];
    let group = group(&mut store, &requests);
    assert!(group.is_stored);
    let expected = [
        "another party answers in this conversation",
        "2",
        "the conversation does not exist",
        "the 24 hours for free answers are over",
        "5",
    ];
    assert_eq!(texts(&group), expected);
    assert_eq!(stored_texts(&store), ["2", "5"], "in the order of the requests");
}

#[test]
fn group_takes_as_many_statements_as_one_request() {
    let mut store = FakeStore::new();
    store.add_template("1", "hello", "APPROVED");
    let mut requests = Vec::new();
    for n in 0..40 {
        let conversation = store.add_thread();
        let quoted = MessageId::new(&*store.clock);
        let found = outbound::MessageToSend {
            conversation: Some(conversation),
            wamid: Some(format!("wamid.{n}")),
            is_inbound: true,
            sent_at: at(0),
        };
        store.sends.messages.insert(quoted, found);
        let mut one = request(&store, conversation, "hi");
        one.message.reply_to = Some(Quoted::Message(quoted));
        requests.push(one);
    }
    let one = group(&mut store, &requests[..1]);
    assert_eq!(texts(&one), ["hi"]);
    let statements = std::mem::take(&mut store.sends.statements);
    let all = group(&mut store, &requests);
    assert!(all.outcomes.iter().all(|outcome| matches!(outcome, Some(Ok(_)))));
    assert_eq!(store.sends.statements, statements);
    assert_eq!(store.sends.stored[40].message.reply_to_wamid.as_deref(), Some("wamid.39"), "each has its own");
}

#[test]
fn key_that_repeats_within_a_group_is_carried_out_once() {
    let mut store = FakeStore::new();
    let open = store.add_thread();
    let requests = [(7, "once"), (7, "once"), (8, "other")]
        .map(|(digest, body)| keyed(&store, request(&store, open, body), digest));
    let first = group(&mut store, &requests);
    assert_eq!(texts(&first), ["once", "again once", "the idempotency key was used for another request"]);
    assert_eq!(stored_texts(&store), ["once"]);
    // And in a later group the stored response decides.
    let later = group(&mut store, &requests);
    assert_eq!(texts(&later), ["again once", "again once", "the idempotency key was used for another request"]);
    assert_eq!(stored_texts(&store), ["once"]);
}

#[test]
fn key_of_a_refused_request_is_left_for_the_next() {
    let mut store = FakeStore::new();
    let (open, read_only) = (store.add_thread(), store.add_thread());
    store.thread_mut(read_only).is_read_only = true;
    let requests =
        [(7, read_only), (8, open)].map(|(digest, place)| keyed(&store, request(&store, place, "hi"), digest));
    let first = group(&mut store, &requests);
    assert_eq!(texts(&first), ["another party answers in this conversation", "undecided"]);
    assert!(store.idempotency.rows.is_empty(), "refusals are not stored");
    let [_, second] = requests;
    assert_eq!(texts(&group(&mut store, &[second])), ["hi"]);
}

#[test]
fn key_at_work_elsewhere_refuses_all_its_requests() {
    let mut store = FakeStore::new();
    let open = store.add_thread();
    store.idempotency.is_locked_elsewhere = true;
    let [one, two] = [7, 7].map(|digest| keyed(&store, request(&store, open, "hi"), digest));
    let requests = [one, request(&store, open, "free"), two];
    let running = "the request is in progress";
    assert_eq!(texts(&group(&mut store, &requests)), [running, "free", running]);
}

#[test]
fn refusal_after_a_contact_was_created_undoes_the_group() {
    let mut store = FakeStore::new();
    let open = store.add_thread();
    let account = store.connected(&whatsapp::MetaAppKey::deployment(), channels::AccountStatus::Active);
    let to_stranger = |account: AccountId| SendRequest {
        destination: Destination::Person(account, Recipient::Bsuid("DE.1".to_owned())),
        ..request(&store, open, "hello")
    };
    // Strangers get templates only.
    let requests = [request(&store, open, "1"), to_stranger(account), to_stranger(AccountId::new(&*store.clock))];
    let first = group(&mut store, &requests);
    let closed = "the 24 hours for free answers are over";
    let unknown = "/account_id is not one of your WhatsApp accounts";
    assert_eq!(texts(&first), ["undecided", closed, unknown]);
    assert!(!first.is_stored, "the contact and the conversation must not stay");
    let [left, ..] = requests;
    assert_eq!(texts(&group(&mut store, &[left])), ["1"]);
}

#[test]
fn template_opens_the_conversation_with_a_stranger() {
    let mut store = FakeStore::new();
    store.add_template("1", "hello", "APPROVED");
    let account = store.connected(&whatsapp::MetaAppKey::deployment(), channels::AccountStatus::Active);
    let template = json!({"name": "hello", "language": "de", "parameters": {"body": {"1": "Ada"}}});
    let to_stranger = || SendRequest {
        permit: store.permit(),
        destination: Destination::Person(account, Recipient::Bsuid("DE.1".to_owned())),
        message: message(&json!({"type": "template", "template": template})),
        key: None,
        render,
    };
    let requests = [to_stranger(), to_stranger()];
    let group = group(&mut store, &requests);
    assert!(group.is_stored);
    assert_eq!(texts(&group), ["Hello Ada", "Hello Ada"]);
    let conversations: Vec<_> = store.sends.stored.iter().map(|new| new.send.conversation).collect();
    assert_eq!(conversations[0], conversations[1], "one conversation for both");
}
