mod failures;
mod health;
mod templates;
mod translate;
mod usage;

use std::collections::HashMap;

use billing::{SentUsageRepo, UsageRepo};
use channels::AccountHealthRepo;
use chrono::{DateTime, TimeDelta, Utc};
use crm::inbox::{AcceptedMessage, InboxTx, MessageKey, SentProof};
use inbound::{ErrorClass, EventOutcomeRepo, UnfinishedEvent};
use kernel::ids::{EventId, SendId};
use kernel::{Clock, StoreError, Traceparent};
use outbound::{AttemptRef, AttemptRefs, PauseRepo, SendingPause};
use whatsapp::{Decoded, decode};

use crate::{ReceiveMediaTx, attach_received};
use failures::Failures;
use templates::TemplateEventTx;
use translate::{OpaqueStatus, TranslatedEvents};

/// What [`process_events`] needs.
pub trait ProcessEventsTx:
    EventOutcomeRepo
    + InboxTx
    + AccountHealthRepo
    + PauseRepo
    + ReceiveMediaTx
    + TemplateEventTx
    + UsageRepo
    + SentUsageRepo
{
}

impl<T> ProcessEventsTx for T where
    T: EventOutcomeRepo
        + InboxTx
        + AccountHealthRepo
        + PauseRepo
        + ReceiveMediaTx
        + TemplateEventTx
        + UsageRepo
        + SentUsageRepo
        + ?Sized
{
}

/// The result of processing a group of events.
#[derive(Debug, Default)]
pub struct ProcessedEvents {
    pub finished: Vec<EventId>,
    /// Events that cannot be decoded.
    pub dead_letters: Vec<DeadLetter>,
    /// Messages that were not stored before.
    pub messages: usize,
    /// Statuses of messages that Parley sent.
    pub told: Vec<ToldStatus>,
    /// Pauses that failed statuses started.
    pub pauses: Vec<SendingPause>,
}

/// A status of a message that Parley sent.
#[derive(Clone, Copy, Debug)]
pub struct ToldStatus {
    pub event: EventId,
    /// The trace of the request to send the message.
    pub trace: Option<Traceparent>,
    /// If it says that the message was delivered: how long after it was wanted.
    pub delivered_after: Option<TimeDelta>,
    /// If it is the first proof that Meta has accepted the message: how long after it was wanted.
    pub accepted_after: Option<TimeDelta>,
}

/// An event that became a dead letter, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub event: EventId,
    pub reason: String,
}

/// An event that this transaction has locked, and its payload.
#[derive(Debug)]
pub struct LockedEvent<'e> {
    pub event: &'e UnfinishedEvent,
    pub payload: Vec<u8>,
}

/// Locks events of one tenant and reads their payloads. An event that another worker has processed, or whose next attempt is
/// later, is skipped.
///
/// # Errors
/// [`StoreError`]: the caller must roll back.
pub async fn lock_events<'e>(
    tx: &mut dyn EventOutcomeRepo,
    events: &'e [UnfinishedEvent],
    clock: &dyn Clock,
) -> Result<Vec<LockedEvent<'e>>, StoreError> {
    let now = clock.now();
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let mut payloads = tx.lock_events_to_process(&ids, now).await?;
    if payloads.len() < ids.len() {
        let skipped: Vec<EventId> = ids.into_iter().filter(|id| !payloads.contains_key(id)).collect();
        tx.postpone_early_events(&skipped, now).await?;
    }
    let locked = events.iter().filter_map(|event| Some(LockedEvent { event, payload: payloads.remove(&event.id)? }));
    Ok(locked.collect())
}

/// Records locked events of one tenant and marks them as processed, in one transaction. An event that cannot be decoded becomes a
/// dead letter and does not affect the others.
///
/// # Errors
/// [`StoreError`]: the caller must roll back.
pub async fn process_events(
    tx: &mut dyn ProcessEventsTx,
    events: Vec<LockedEvent<'_>>,
    refs: &AttemptRefs,
    clock: &dyn Clock,
) -> Result<ProcessedEvents, StoreError> {
    let now = clock.now();
    let mut processed = ProcessedEvents::default();
    let mut translated = TranslatedEvents::default();
    let mut delivering = HashMap::new();
    for LockedEvent { event, payload } in events {
        health::note_delivery(&mut delivering, event);
        match decode(&event.kind, &payload).map_err(|error| error.to_string()).and_then(|decoded| {
            let Decoded { waba_id, update } = decoded;
            update.map_or(Ok(()), |update| translated.add(event, waba_id, update))
        }) {
            Ok(()) => processed.finished.push(event.id),
            Err(reason) => processed.dead_letters.push(DeadLetter { event: event.id, reason }),
        }
    }
    let TranslatedEvents { mut batch, health, templates, received, opaque_statuses } = translated;
    let (mut failures, mut statuses) = (Failures::default(), Vec::new());
    for status in opaque_statuses {
        if let Some(proof) = proof(&status, refs) {
            let delivered_at = status.is_delivery.then_some(status.occurred_at);
            statuses.push((status.event, proof.send, delivered_at));
            batch.proofs.push(proof);
            failures.note(status, now);
        }
    }
    batch.activities.extend(failures.opt_outs);
    let with_media: Vec<MessageKey> = (batch.messages.iter().filter(|message| message.media.is_some()))
        .map(|message| (message.account, message.wamid.clone()))
        .collect();
    let recorded = crm::inbox::record_batch(tx, batch, clock).await?;
    attach_received(tx, &with_media, clock).await?;
    processed.messages = recorded.messages;
    processed.told = told(&statuses, &recorded.accepted, now);
    health::record(tx, health, now).await?;
    templates::record(tx, templates, clock).await?;
    health::restore_accounts(tx, &delivering, now).await?;
    // After the accounts, in the order in which ending pauses locks them.
    for pause in &failures.pauses {
        tx.store_pause(pause).await?;
    }
    processed.pauses = failures.pauses;
    usage::count_messages(tx, &recorded.from_customers, &received, now).await?;
    usage::count_sent_messages(tx, &recorded.accepted, now).await?;
    tx.finish_events(&processed.finished, now).await?;
    if !recorded.erased.is_empty() {
        let named: Vec<String> = recorded.erased.into_iter().map(|key| key.value).collect();
        tx.delete_payloads_naming(&processed.finished, &named).await?;
    }
    for dead_letter in &processed.dead_letters {
        tx.dead_letter_event(dead_letter.event, ErrorClass::Permanent, &dead_letter.reason, now).await?;
    }
    Ok(processed)
}

/// What statuses tell of their messages. Only the first status of a message can be its first proof.
fn told(
    statuses: &[(EventId, SendId, Option<DateTime<Utc>>)],
    messages: &[AcceptedMessage],
    now: DateTime<Utc>,
) -> Vec<ToldStatus> {
    let mut messages: HashMap<SendId, AcceptedMessage> = messages.iter().map(|it| (it.send, *it)).collect();
    let statuses = statuses.iter().filter_map(|(event, send, delivered_at)| {
        let message = messages.get_mut(send)?;
        let is_new = std::mem::take(&mut message.is_new);
        Some(ToldStatus {
            event: *event,
            trace: message.trace,
            delivered_after: delivered_at.map(|at| at - message.wanted_at),
            accepted_after: is_new.then(|| now - message.wanted_at),
        })
    });
    statuses.collect()
}

/// What a status proves, if Parley made its opaque text for this tenant and account.
fn proof(status: &OpaqueStatus, refs: &AttemptRefs) -> Option<SentProof> {
    let AttemptRef { send, attempt } = refs.read(&status.opaque, status.tenant, status.message.0)?;
    Some(SentProof { send, attempt, message: status.message.clone(), is_failure: status.is_failure })
}

#[cfg(test)]
mod tests;
