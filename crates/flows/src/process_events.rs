mod batch;
mod health;
mod usage;

use inbound::{Decoded, ErrorClass, EventOutcomeRepo, QueuedEvent, decode};
use kernel::ids::EventId;
use kernel::{Clock, StoreError};

use crate::TenantTx;
use batch::Translation;

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

/// Does what events of one tenant tell, in one transaction with their being finished: either all of it is there or none.
/// An event that makes no sense is buried and harms no other; one that somebody else has finished meanwhile, or whose next
/// attempt is later, is left alone.
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
    let mut translation = Translation::default();
    for event in events.iter().filter(|event| taken.contains(&event.id)) {
        match decode(&event.kind, &event.payload).map_err(|error| error.to_string()).and_then(|decoded| {
            let Decoded { waba_id, update } = decoded;
            update.map_or(Ok(()), |update| translation.add(event, waba_id, update))
        }) {
            Ok(()) => processed.finished.push(event.id),
            Err(reason) => processed.buried.push(Buried { event: event.id, reason }),
        }
    }
    let Translation { batch, health, received } = translation;
    let recorded = crm::inbox::record(tx, batch, clock).await?;
    processed.messages = recorded.messages;
    health::note(tx, health, now).await?;
    usage::meter(tx, &recorded.from_customers, &received, now).await?;
    EventOutcomeRepo::finish_events(tx, &processed.finished, now).await?;
    for buried in &processed.buried {
        EventOutcomeRepo::bury_event(tx, buried.event, ErrorClass::Permanent, &buried.reason, now).await?;
    }
    Ok(processed)
}
