use chrono::TimeDelta;
use crm::Media;
use crm::identity::{IdentityKey, Person};
use crm::inbox::{InboundMessage, record_inbound};
use inbound::{DecodedMessage, ErrorClass, EventKind, EventOutcomeRepo, QueuedEvent, decode_message};
use kernel::ids::{AccountId, EventId};
use kernel::{Clock, StoreError};

use crate::TenantTx;

/// How far ahead of ours Meta's clock may be.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

/// What became of a group of events.
#[derive(Debug, Default)]
pub struct Processed {
    pub finished: Vec<EventId>,
    /// Dead letters: nothing can be made of them, today or later.
    pub buried: Vec<Buried>,
    /// Messages that were not stored before.
    pub messages: usize,
}

/// An event that is a dead letter, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Buried {
    pub event: EventId,
    pub reason: String,
}

/// Turns events of one tenant into contacts, conversations, messages and interactions, in one transaction with their being
/// finished: either all of it is there or none. An event that makes no sense is buried and harms no other; one that somebody
/// else has finished meanwhile, or whose next attempt is later, is left alone.
///
/// # Errors
/// [`StoreError`]: nothing of the group may be committed.
pub async fn process_events(
    tx: &mut dyn TenantTx,
    events: &[QueuedEvent],
    clock: &dyn Clock,
) -> Result<Processed, StoreError> {
    let now = clock.now();
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let taken = EventOutcomeRepo::take_events(tx, &ids, now).await?;
    let mut processed = Processed::default();
    let mut messages = Vec::new();
    for event in events.iter().filter(|event| taken.contains(&event.id)) {
        match read(event) {
            Ok(message) => {
                messages.extend(message);
                processed.finished.push(event.id);
            }
            Err(reason) => processed.buried.push(Buried { event: event.id, reason }),
        }
    }
    if !messages.is_empty() {
        processed.messages = record_inbound(tx, messages, clock).await?.messages;
    }
    EventOutcomeRepo::finish_events(tx, &processed.finished, now).await?;
    for buried in &processed.buried {
        EventOutcomeRepo::bury_event(tx, buried.event, ErrorClass::Permanent, &buried.reason, now).await?;
    }
    Ok(processed)
}

/// The message in an event, if it is one that belongs into a conversation.
fn read(event: &QueuedEvent) -> Result<Option<InboundMessage>, String> {
    if event.kind != EventKind::message() {
        return Ok(None);
    }
    let account = event.account.ok_or("the event of a message names no account")?;
    let decoded = decode_message(&event.payload).map_err(|error| error.to_string())?;
    // A group is no conversation with one person.
    Ok(decoded.group_id.is_none().then(|| inbound_message(account, decoded, event)))
}

fn inbound_message(account: AccountId, decoded: DecodedMessage, event: &QueuedEvent) -> InboundMessage {
    // A time to come would hold its conversation at the top, and the service window open, for as long.
    let latest = event.received_at + MAX_CLOCK_SKEW;
    InboundMessage {
        account,
        sender: Person {
            bsuid: decoded.bsuid.map(|bsuid| IdentityKey::bsuid(&decoded.waba_id, &bsuid)),
            phone: decoded.phone.as_deref().and_then(IdentityKey::phone),
            display_name: decoded.profile_name,
        },
        wamid: decoded.wamid,
        kind: decoded.kind,
        text: decoded.text,
        media: decoded.media.map(|media| Media {
            id: media.id,
            mime_type: media.mime_type,
            sha256: media.sha256,
            caption: media.caption,
            filename: media.filename,
        }),
        reply_to: decoded.reply_to,
        referral: decoded.referral,
        payload: decoded.payload,
        provider_timestamp: decoded.timestamp.filter(|time| *time <= latest).unwrap_or(event.received_at),
    }
}
