//! The work of a sender on one number: what leaves next, and what became of what has left. Each function is one transaction; Meta is
//! called between them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use billing::SentMessage;
use channels::{CheckedFacts, CheckedToken};
use chrono::{DateTime, TimeDelta, Utc};
use crm::inbox::{Lock, MessageKey};
use jobs::{JobKind, JobSubject, NewJob};
use kernel::ids::MediaUploadId;
use kernel::ids::{AccountId, SendId, SenderId};
use kernel::{Clock, StoreError, Traceparent};
use media::AtMeta;
use outbound::{
    AcceptedSend, AttachedFile, AttemptFacts, AttemptRef, Candidate, Decided, Departure, ErrorClass, FILE_REFUSED,
    PairPacer, SendKind, SendState, SendingPause, SettledSend, settle_interrupted,
};

use super::SenderTx;

/// How much longer the lease of a number must last when sends are begun. A call that does not leave within three seconds is not
/// made, so that no other sender calls for the number meanwhile.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(4);
/// How long a message waits for the upload of its file until it is looked at again; the end of the upload wakes it.
const UPLOAD: TimeDelta = TimeDelta::seconds(30);
/// How long a send of a tenant that is suspended waits until it is looked at again.
const INACTIVE: TimeDelta = TimeDelta::minutes(1);

/// A number that a sender has a lease on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasedNumber {
    pub account: AccountId,
    pub holder: SenderId,
}

/// A send for which Meta is to be called.
#[derive(Clone, Debug)]
pub struct StartedSend {
    pub attempt: AttemptRef,
    /// The JSON for Meta, without its opaque data.
    pub body: String,
    /// For the settlement; it ends when the call does.
    pub facts: AttemptFacts,
    pub created_at: DateTime<Utc>,
    pub trace: Option<Traceparent>,
}

/// What a number's turn brought.
#[derive(Debug)]
pub enum NumberTurn {
    /// Another sender has the number.
    LeaseLost,
    /// Nothing of it leaves until then, or until the pause is ended.
    Paused(Option<DateTime<Utc>>),
    Started {
        sends: Vec<StartedSend>,
        phone_number_id: String,
        /// Messages a second.
        throughput: u32,
        /// Something may be due right after this turn.
        has_more: bool,
        /// When something that waits is due.
        next_due: Option<DateTime<Utc>>,
        /// When the access token was entered.
        token_set_at: DateTime<Utc>,
    },
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub send: SettledSend,
    pub pause: Option<SendingPause>,
    /// When the access token was entered that Meta was called with; `None` if it was not called.
    pub token_set_at: Option<DateTime<Utc>>,
}

/// Starts the next sends of a number, at most `max`. They are stored as begun when the transaction commits: only then may Meta be
/// called.
///
/// # Errors
/// [`StoreError`].
pub async fn take_turn(
    tx: &mut dyn SenderTx,
    number: LeasedNumber,
    max: usize,
    pairs: &mut PairPacer<String>,
    (clock, monotonic): (&dyn Clock, Duration),
) -> Result<NumberTurn, StoreError> {
    let now = clock.now();
    let LeasedNumber { account, holder } = number;
    let Some(state) = tx.lock_lease(account, holder, LEASE_MARGIN, now).await? else {
        return Ok(NumberTurn::LeaseLost);
    };
    if let Some(pause) = state.pause {
        return Ok(NumberTurn::Paused(pause.until));
    }
    // The account waits for a token as for the end of a pause.
    let Some(token_set_at) = state.token_set_at else { return Ok(NumberTurn::Paused(None)) };
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let candidates = tx.candidates(account, now, limit).await?;
    let has_more = candidates.len() == max;
    let mut decided = Decided::default();
    let mut leaving: HashMap<SendId, Candidate> = HashMap::new();
    for mut candidate in candidates {
        match turn_of(tx, account, &mut candidate, pairs, (clock, monotonic)).await? {
            Turn::Leaves => {
                decided.leaving.push(candidate.id);
                leaving.insert(candidate.id, candidate);
            }
            Turn::Waits(until) => decided.waiting.push((candidate.id, until)),
            Turn::Ends(state, reason) => decided.ended.push((candidate.id, state, reason)),
        }
    }
    let next_due = decided.waiting.iter().map(|(_, until)| *until).chain(state.next_due).min();
    let has_more = has_more || !decided.ended.is_empty();
    let begun = tx.store_decisions(account, holder, &decided, now).await?;
    let order: HashMap<SendId, usize> = decided.leaving.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut sends: Vec<StartedSend> = begun
        .into_iter()
        .filter_map(|attempt| Some(started(attempt, leaving.remove(&attempt.send)?, account, now)))
        .collect();
    sends.sort_by_key(|send| order.get(&send.attempt.send).copied());
    let (phone_number_id, throughput) = (state.phone_number_id, state.throughput);
    Ok(NumberTurn::Started { sends, phone_number_id, throughput, has_more, next_due, token_set_at })
}

enum Turn {
    Leaves,
    Waits(DateTime<Utc>),
    Ends(SendState, outbound::Reason),
}

async fn turn_of(
    tx: &mut dyn SenderTx,
    account: AccountId,
    candidate: &mut Candidate,
    pairs: &mut PairPacer<String>,
    (clock, monotonic): (&dyn Clock, Duration),
) -> Result<Turn, StoreError> {
    let now = clock.now();
    let decided = decide(candidate, now);
    if !matches!(decided, Turn::Leaves) {
        return Ok(decided);
    }
    // Before the pair's turn is taken: the files may not be there yet.
    let attached = attach_files(tx, account, candidate, clock).await?;
    if !matches!(attached, Turn::Leaves) {
        return Ok(attached);
    }
    Ok(take_pair(candidate, pairs, now, monotonic))
}

fn decide(candidate: &Candidate, now: DateTime<Utc>) -> Turn {
    match candidate.facts.decide(now) {
        Departure::Expires(reason) => return Turn::Ends(SendState::Expired, reason),
        Departure::Cancels(reason) => return Turn::Ends(SendState::Canceled, reason),
        Departure::Fails(reason) => return Turn::Ends(SendState::Failed, reason),
        Departure::Waits => return Turn::Waits(now + INACTIVE),
        Departure::Leaves => {}
    }
    if let Some(until) = candidate.paused_until {
        return Turn::Waits(until.min(candidate.facts.send_before));
    }
    Turn::Leaves
}

/// Puts Meta's ids of its files into a message. If Meta does not have one, it is uploaded first.
async fn attach_files(
    tx: &mut dyn SenderTx,
    account: AccountId,
    candidate: &mut Candidate,
    clock: &dyn Clock,
) -> Result<Turn, StoreError> {
    let files = AttachedFile::in_body(&candidate.body);
    if files.is_empty() {
        return Ok(Turn::Leaves);
    }
    let now = clock.now();
    let mut known: HashMap<AttachedFile, String> = HashMap::new();
    let mut waits = false;
    for file in files {
        match tx.media_at_meta(account, (file.id, file.kind), MediaUploadId::new(clock), now).await? {
            AtMeta::Uploaded(id) => {
                known.insert(file, id);
            }
            AtMeta::Wanted(upload) => {
                waits = true;
                if let Ok(subject) = JobSubject::parse(&upload.to_string()) {
                    tx.schedule_job(&NewJob::new(JobKind::MediaUpload, subject, now, clock)).await?;
                }
            }
            AtMeta::Refused | AtMeta::Gone => return Ok(Turn::Ends(SendState::Failed, outbound::Reason::FileRefused)),
        }
    }
    if waits {
        return Ok(Turn::Waits((now + UPLOAD).min(candidate.facts.send_before)));
    }
    if let Some(body) = AttachedFile::fill(&candidate.body, |file| known.get(&file).cloned()) {
        candidate.body = body;
        candidate.has_files = true;
    }
    Ok(Turn::Leaves)
}

fn take_pair(candidate: &Candidate, pairs: &mut PairPacer<String>, now: DateTime<Utc>, monotonic: Duration) -> Turn {
    // Receipts and typing indicators are no messages to Meta.
    if matches!(candidate.kind, SendKind::Message | SendKind::Reaction)
        && let Err(wait) = pairs.take(candidate.recipient.clone(), monotonic)
    {
        let until = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        return Turn::Waits(until.min(candidate.facts.send_before));
    }
    Turn::Leaves
}

fn started(attempt: AttemptRef, candidate: Candidate, account: AccountId, now: DateTime<Utc>) -> StartedSend {
    StartedSend {
        attempt,
        body: candidate.body,
        facts: AttemptFacts {
            send: candidate.id,
            kind: candidate.kind,
            account,
            number: attempt.attempt,
            started_at: now,
            ended_at: now,
            on_unknown: candidate.on_unknown,
            refusals: candidate.refusals,
            resends: candidate.resends,
            send_before: candidate.facts.send_before,
            recipient: candidate.recipient,
            conversation: candidate.conversation,
            template: candidate.template,
            has_files: candidate.has_files,
        },
        created_at: candidate.created_at,
        trace: candidate.trace,
    }
}

/// Stores what became of calls. Returns the sends that Meta has accepted by them.
///
/// # Errors
/// [`StoreError`].
pub async fn settle_number(
    tx: &mut dyn SenderTx,
    account: AccountId,
    settlements: &[Settlement],
    now: DateTime<Utc>,
) -> Result<Vec<AcceptedSend>, StoreError> {
    let sends: Vec<SettledSend> = settlements.iter().map(|it| it.send.clone()).collect();
    // A status of the message may be processed at the same moment: with the lock, one sees what the other has stored.
    let mut wamids: Vec<Lock> =
        sends.iter().filter_map(|send| Some(Lock::Message(account, send.wamid.clone()?))).collect();
    wamids.sort();
    if !wamids.is_empty() {
        tx.lock(&wamids).await?;
    }
    let accepted = tx.settle_sends(account, &sends).await?;
    let again = |send: &&SettledSend| send.state == SendState::Queued && send.attempt.code == Some(FILE_REFUSED);
    let refused: Vec<SendId> = sends.iter().filter(again).map(|send| send.id).collect();
    if !refused.is_empty() {
        tx.forget_media_at_meta(&refused).await?;
    }
    // Before the pauses, in the order in which a check locks both.
    for (token_set_at, facts) in refusals(settlements) {
        tx.record_account_facts(account, token_set_at, &facts).await?;
    }
    for pause in longest_pauses(settlements) {
        tx.store_pause(pause).await?;
    }
    let told: Vec<MessageKey> = accepted
        .iter()
        .filter(|send| send.has_updates)
        .filter_map(|send| Some((account, send.wamid.clone()?)))
        .collect();
    if !told.is_empty() {
        tx.refresh_messages(&told).await?;
    }
    let metered =
        accepted.iter().filter_map(|send| Some(SentMessage { day: now.date_naive(), category: send.category? }));
    let metered: Vec<SentMessage> = metered.collect();
    if !metered.is_empty() {
        tx.count_sent_messages(&metered).await?;
    }
    Ok(accepted)
}

/// Settles the sends of a leased number whose calls were stored as begun although no call is `under_way`: they may have been sent.
/// Returns how many there were.
///
/// # Errors
/// [`StoreError`].
pub async fn recover_number(
    tx: &mut dyn SenderTx,
    account: AccountId,
    under_way: &[SendId],
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let interrupted = tx.interrupted_sends(account, under_way).await?;
    let settled: Vec<SettledSend> = interrupted.iter().map(|send| settle_interrupted(send, account, now)).collect();
    if !settled.is_empty() {
        tx.settle_sends(account, &settled).await?;
    }
    Ok(settled.len())
}

/// The number is not registered.
const NOT_REGISTERED: i64 = 133_010;

/// What explicit refusals say of the account, once for each: it shows that the token is refused, or the number not registered, like after
/// a check. Of the token, its code only: Meta's words may quote it.
fn refusals(settlements: &[Settlement]) -> impl Iterator<Item = (DateTime<Utc>, CheckedFacts)> {
    let mut known: BTreeMap<(DateTime<Utc>, bool), CheckedFacts> = BTreeMap::new();
    for settlement in settlements {
        let (Some(pause), Some(token_set_at)) = (&settlement.pause, settlement.token_set_at) else { continue };
        let is_token = pause.class == ErrorClass::Token;
        let facts = match pause.code {
            Some(code) if is_token => {
                CheckedFacts { token: Some(CheckedToken::Refused(format!("code {code}"))), is_registered: None }
            }
            Some(NOT_REGISTERED) => CheckedFacts { token: None, is_registered: Some(false) },
            _ => continue,
        };
        known.insert((token_set_at, is_token), facts);
    }
    known.into_iter().map(|((token_set_at, _), facts)| (token_set_at, facts))
}

/// One pause for each subject: the last one.
fn longest_pauses(settlements: &[Settlement]) -> impl Iterator<Item = &SendingPause> {
    let mut pauses: BTreeMap<(&'static str, &str), &SendingPause> = BTreeMap::new();
    for pause in settlements.iter().filter_map(|it| it.pause.as_ref()) {
        pauses.insert((pause.scope.into_str(), &pause.subject), pause);
    }
    pauses.into_values()
}
