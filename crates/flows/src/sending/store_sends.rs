use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use crm::identity::{Identity, IdentityKey};
use crm::{Message, ReplyTo, Titled};
use kernel::ids::{ConversationId, InteractionId, MessageId, SendId};
use kernel::seal::KeyRing;
use kernel::{Clock, Direction, Origin, StoreError};
use media::Media;
use outbound::{Language, MessagePlace, NewMessageSend, Sender, Thread};

use super::destinations::{self, Found};
use super::prepare_send::{PreparedSend, SendFacts, USABLE_TEMPLATES, decide};
use super::{OutboundMessage, SendAnswer, SendFactsTx, SendMessageError, SendRequest, StoreSendError, StoreSendsTx};
use crate::idempotency::{KeyState, claim_keys, store_responses};
use crate::{Database, IdempotencyError, StoredResponse, settle};

type Outcome = Result<SendAnswer, StoreSendError>;

/// Stores the messages that the callers of one tenant want to be sent, in one transaction. They leave later: then window, consent and the
/// state of the number count as they are at that moment; what cannot work now is refused now. Each request has an outcome of its own,
/// and one that is refused changes nothing. Messages of one conversation are stored in the order of their requests.
///
/// A request without an outcome is to be stored by another call; at least one of the requests has one. That happens if a request is
/// refused for which a contact or a conversation was created, and to the second of two requests with one idempotency key, if the first is
/// refused.
///
/// # Errors
/// [`StoreError`]: no request was stored; with [`StoreError::Unavailable`] that is unknown. Also if they are not all of one tenant.
pub async fn store_sends(
    database: &dyn Database,
    requests: &[&SendRequest],
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Vec<Option<Outcome>>, StoreError> {
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    let scope = first.permit.scope();
    if requests.iter().any(|request| request.permit.scope().tenant() != scope.tenant()) {
        return Err(StoreError::OutOfScope);
    }
    let mut tx = database.tenant(scope).await?;
    match store_group(&mut *tx, requests, ring, clock).await {
        Ok(Group { outcomes, is_stored: false }) => {
            tx.rollback().await?;
            Ok(outcomes)
        }
        Ok(Group { outcomes, is_stored: true }) => {
            tx.commit().await.map_err(failed_commit)?;
            Ok(outcomes)
        }
        Err(error) => settle(tx, Err(error)).await,
    }
}

/// A commit has failed if the database says so; else it may have been done.
fn failed_commit(error: StoreError) -> StoreError {
    match error {
        error @ (StoreError::Retryable(_) | StoreError::Conflict { .. } | StoreError::Unavailable(_)) => error,
        error => StoreError::Unavailable(error.into()),
    }
}

/// What became of the requests of a transaction.
#[derive(Debug)]
struct Group {
    /// `None` for a request that another transaction has to decide.
    outcomes: Vec<Option<Outcome>>,
    /// Whether the transaction is to be committed.
    is_stored: bool,
}

/// Decides each request alone; reads and writes for all of them together. At least one request has an outcome.
async fn store_group(
    tx: &mut dyn StoreSendsTx,
    requests: &[&SendRequest],
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Group, StoreError> {
    let now = clock.now();
    let mut outcomes: Vec<Option<Outcome>> = requests.iter().map(|_| None).collect();
    let repeats = repeats(requests);
    let open = open_requests(tx, requests, &repeats, &mut outcomes, (ring, now)).await?;
    let destinations: Vec<_> = open.iter().map(|place| &requests[*place].destination).collect();
    let found = destinations::find(tx, &destinations, clock).await?;
    let (mut found_at, mut conversations) = (Vec::with_capacity(open.len()), BTreeSet::new());
    for (place, found) in open.into_iter().zip(found) {
        match found {
            Ok(found) => {
                conversations.insert(found.conversation);
                found_at.push((place, found));
            }
            Err(refusal) => outcomes[place] = Some(Err(refusal.into())),
        }
    }
    let threads =
        if conversations.is_empty() { HashMap::new() } else { tx.lock_threads(&Vec::from_iter(conversations)).await? };
    let decided = decide_all(tx, requests, &found_at, &threads, (clock, now)).await?;
    let must_be_undone = decided.iter().any(|(_, found, prepared)| prepared.is_err() && found.has_stored);
    let (mut places, mut new) = (Vec::new(), Vec::new());
    for (place, _, prepared) in decided {
        match prepared {
            Ok((prepared, file)) => {
                places.push((place, file));
                new.push(prepared);
            }
            Err(refusal) => outcomes[place] = Some(Err(refusal.into())),
        }
    }
    if must_be_undone {
        return Ok(Group { outcomes, is_stored: false });
    }
    let at = if new.is_empty() { Vec::new() } else { tx.insert_message_sends(&new, now).await? };
    let of_messages = new.iter().zip(&places);
    let links: Vec<_> = of_messages.filter_map(|(new, (_, file))| Some((new.message.id, file.as_ref()?.id))).collect();
    if !links.is_empty() {
        tx.link_media(&links).await?;
    }
    for (((place, file), new), at) in places.into_iter().zip(new).zip(at) {
        let thread = threads.get(&new.send.conversation).ok_or_else(|| StoreError::corrupt("sends.conversation_id"))?;
        let account = Some(new.send.account);
        let message = OutboundMessage { file, ..stored(thread, new, at, now) };
        let response = (requests[place].render)(message).map_err(StoreError::Other)?;
        outcomes[place] = Some(Ok(SendAnswer { response, is_replayed: false, account }));
    }
    store_answers(tx, requests, &outcomes, ring, now).await?;
    for (repeat, first) in repeats {
        if outcomes[repeat].is_none() {
            outcomes[repeat] = repeated(requests[repeat], requests[first], outcomes[first].as_ref());
        }
    }
    Ok(Group { outcomes, is_stored: true })
}

/// The requests that repeat the idempotency key of an earlier one of the group, and that one.
fn repeats(requests: &[&SendRequest]) -> Vec<(usize, usize)> {
    let first = |place: usize| (0..place).find(|earlier| requests[place].has_key_of(requests[*earlier]));
    (0..requests.len()).filter_map(|place| first(place).map(|first| (place, first))).collect()
}

/// The requests that are to be carried out: neither answered before, nor at work elsewhere, nor repeats.
async fn open_requests(
    tx: &mut dyn StoreSendsTx,
    requests: &[&SendRequest],
    repeats: &[(usize, usize)],
    outcomes: &mut [Option<Outcome>],
    (ring, now): (&KeyRing, DateTime<Utc>),
) -> Result<Vec<usize>, StoreError> {
    let firsts = (0..requests.len()).filter(|place| !repeats.iter().any(|(repeat, _)| repeat == place));
    let (mut open, mut keyed) = (Vec::new(), Vec::new());
    for place in firsts {
        match &requests[place].key {
            Some(key) => keyed.push((place, key)),
            None => open.push(place),
        }
    }
    let states = claim_keys(tx, &keyed.iter().map(|(_, key)| *key).collect::<Vec<_>>(), now).await?;
    for ((place, _), state) in keyed.into_iter().zip(states) {
        let of_key = repeats.iter().filter(|(_, first)| *first == place).map(|(repeat, _)| *repeat);
        if matches!(state, KeyState::Free) {
            open.push(place);
            continue;
        }
        for place in of_key.chain([place]) {
            outcomes[place] = requests[place].key.as_ref().map(|key| replay(state.response_to(key, ring)));
        }
    }
    open.sort_unstable();
    Ok(open)
}

fn replay(response: Result<Option<StoredResponse>, IdempotencyError>) -> Outcome {
    let response = response?.ok_or(StoreSendError::CutOff)?;
    Ok(SendAnswer { response, is_replayed: true, account: None })
}

type Decided = (usize, Found, Result<(NewMessageSend, Option<Media>), SendMessageError>);

async fn decide_all(
    tx: &mut dyn StoreSendsTx,
    requests: &[&SendRequest],
    found: &[(usize, Found)],
    threads: &HashMap<ConversationId, Thread>,
    (clock, now): (&dyn Clock, DateTime<Utc>),
) -> Result<Vec<Decided>, StoreError> {
    let thread_of = |found: &Found| threads.get(&found.conversation);
    let with_thread = |(place, found): &(usize, Found)| Some((thread_of(found)?, &requests[*place].message));
    let facts = SendFacts::read(tx, &found.iter().filter_map(with_thread).collect::<Vec<_>>()).await?;
    let mut usable = HashMap::new();
    let mut decided = Vec::with_capacity(found.len());
    for (place, found) in found {
        let outcome = match thread_of(found) {
            None => Err(SendMessageError::NotFound),
            Some(thread) => {
                let (request, ids) = (requests[*place], (MessageId::new(clock), SendId::new(clock)));
                let sender = Sender::from(request.permit.actor());
                match decide(&facts, thread, ids, sender, request.message.clone(), now) {
                    Err(SendMessageError::WindowClosed(_)) => {
                        Err(SendMessageError::WindowClosed(usable_templates(tx, &thread.waba_id, &mut usable).await?))
                    }
                    decided => decided,
                }
            }
        };
        let new = outcome.map(|PreparedSend { message, send, file }| {
            (NewMessageSend { message, send, line: InteractionId::new(clock) }, file)
        });
        decided.push((*place, *found, new));
    }
    Ok(decided)
}

/// Reads those of each business account once.
async fn usable_templates(
    tx: &mut dyn SendFactsTx,
    waba_id: &str,
    read: &mut HashMap<String, Vec<(String, Language)>>,
) -> Result<Vec<(String, Language)>, StoreError> {
    if let Some(usable) = read.get(waba_id) {
        return Ok(usable.clone());
    }
    let usable = tx.usable_templates(waba_id, USABLE_TEMPLATES).await?;
    read.insert(waba_id.to_owned(), usable.clone());
    Ok(usable)
}

/// Stores the responses to new requests with their idempotency keys.
async fn store_answers(
    tx: &mut dyn StoreSendsTx,
    requests: &[&SendRequest],
    outcomes: &[Option<Outcome>],
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let new = requests.iter().zip(outcomes).filter_map(|(request, outcome)| match outcome {
        Some(Ok(answer)) if !answer.is_replayed => Some((request.key.as_ref()?, &answer.response)),
        _ => None,
    });
    store_responses(tx, &new.collect::<Vec<_>>(), ring, now).await.map_err(|error| match error {
        IdempotencyError::Store(error) => error,
        error => StoreError::Other(error.into()),
    })
}

/// The outcome of a request with the key of an earlier one of its group; `None` if that was refused: then this one may be carried out.
fn repeated(request: &SendRequest, first: &SendRequest, outcome: Option<&Outcome>) -> Option<Outcome> {
    let answer = outcome?.as_ref().ok()?;
    let is_same = request.key.as_ref().map(|key| key.digest) == first.key.as_ref().map(|key| key.digest);
    let replayed = || SendAnswer { is_replayed: true, account: None, ..answer.clone() };
    Some(if is_same { Ok(replayed()) } else { Err(IdempotencyError::KeyReused.into()) })
}

/// The message as it is stored now, without reading it.
fn stored(thread: &Thread, new: NewMessageSend, place: MessagePlace, now: DateTime<Utc>) -> OutboundMessage {
    let NewMessageSend { message, send, line: _ } = new;
    let reply_to_wamid = message.reply_to_wamid.clone();
    let reply_to = send.reply_to.map(|quoted| (message.reply_to_wamid.clone().unwrap_or_default(), quoted));
    OutboundMessage {
        message: Titled {
            row: Message {
                id: message.id,
                conversation: thread.conversation,
                wamid: None,
                direction: Direction::Outbound,
                origin: Origin::Api,
                kind: message.kind,
                text: message.text,
                parts: message.parts,
                media: None,
                reply_to: reply_to.map(|(wamid, quoted)| ReplyTo { wamid, message: Some(quoted) }),
                forwarded: None,
                referral: None,
                reactions: Vec::new(),
                delivery: None,
                delivery_steps: Vec::new(),
                edited_at: None,
                revoked_at: None,
                payload: None,
                provider_timestamp: place.at,
                arrival: place.arrival,
                created_at: now,
            },
            contact_title: title(thread),
        },
        send: Some(send.stored(reply_to_wamid)),
        file: None,
    }
}

fn title(thread: &Thread) -> String {
    let username = thread.username.as_deref().map(IdentityKey::username);
    let phone = thread.phone.as_deref().and_then(|phone| IdentityKey::phone(phone.trim_start_matches('+')));
    let identities: Vec<Identity> =
        [phone, username].into_iter().flatten().map(|key| Identity { key, current: true }).collect();
    crm::title(&thread.contact_name, &identities)
}

#[cfg(test)]
mod tests;
