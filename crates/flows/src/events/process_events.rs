mod health;
mod templates;
mod translate;
mod usage;

use std::collections::HashMap;

use billing::{SentUsageRepo, UsageRepo};
use channels::AccountHealthRepo;
use crm::inbox::{AcceptedMessage, InboxTx, SentProof};
use inbound::{ErrorClass, EventOutcomeRepo, UnfinishedEvent};
use kernel::ids::EventId;
use kernel::{Clock, StoreError};
use outbound::{AttemptRef, AttemptRefs};
use whatsapp::{Decoded, decode};

use templates::TemplateEventTx;
use translate::{OpaqueStatus, TranslatedEvents};

/// What [`process_events`] needs.
pub trait ProcessEventsTx:
    EventOutcomeRepo + InboxTx + AccountHealthRepo + TemplateEventTx + UsageRepo + SentUsageRepo
{
}

impl<T: EventOutcomeRepo + InboxTx + AccountHealthRepo + TemplateEventTx + UsageRepo + SentUsageRepo + ?Sized>
    ProcessEventsTx for T
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
    /// Messages of the business that a status proves to be accepted by Meta.
    pub accepted: Vec<AcceptedMessage>,
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
    batch.proofs = opaque_statuses.into_iter().filter_map(|status| proof(status, refs)).collect();
    let recorded = crm::inbox::record_batch(tx, batch, clock).await?;
    processed.messages = recorded.messages;
    processed.accepted = recorded.accepted;
    health::record(tx, health, now).await?;
    templates::record(tx, templates, clock).await?;
    health::restore_accounts(tx, &delivering, now).await?;
    usage::count_messages(tx, &recorded.from_customers, &received, now).await?;
    usage::count_sent_messages(tx, &processed.accepted, now).await?;
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

/// What a status proves, if Parley made its opaque text for this tenant and account.
fn proof(status: OpaqueStatus, refs: &AttemptRefs) -> Option<SentProof> {
    let OpaqueStatus { tenant, message, opaque, is_failure } = status;
    let AttemptRef { send, attempt } = refs.read(&opaque, tenant, message.0)?;
    Some(SentProof { send, attempt, message, is_failure })
}

#[cfg(test)]
mod tests;
