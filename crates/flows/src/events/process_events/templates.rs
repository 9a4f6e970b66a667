use chrono::{DateTime, Utc};
use jobs::JobRepo;
use kernel::{Clock, StoreError};
use outbound::template::TemplateChange;
use outbound::{TemplateCategory, TemplateEventRepo, TemplateQuality, TemplateStatus};
use whatsapp::TemplateFact;

use crate::jobs::template_sync_job;

/// What recording events of templates needs.
pub trait TemplateEventTx: TemplateEventRepo + JobRepo {}

impl<T: TemplateEventRepo + JobRepo + ?Sized> TemplateEventTx for T {}

/// What Meta tells of a template, and when.
#[derive(Debug)]
pub(super) struct TemplateEvent {
    pub(super) waba_id: String,
    pub(super) meta_id: String,
    pub(super) change: TemplateChange,
    pub(super) occurred_at: DateTime<Utc>,
}

pub(super) fn change(fact: TemplateFact) -> TemplateChange {
    match fact {
        TemplateFact::Status { event, reason } => TemplateChange::Status(TemplateStatus::of_meta(&event), reason),
        TemplateFact::Quality(word) => TemplateChange::Quality(TemplateQuality::of_meta(&word)),
        TemplateFact::Category(word) => TemplateChange::Category(TemplateCategory::of_meta(&word)),
        TemplateFact::Components => TemplateChange::Components,
    }
}

/// Changes the copies in the order of the events' times. What an event does not say in full is read from Meta soon: new components,
/// a template without a copy, a status of which only Meta knows what it means.
pub(super) async fn record(
    tx: &mut dyn TemplateEventTx,
    mut events: Vec<TemplateEvent>,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    events.sort_by_key(|event| event.occurred_at);
    for event in events {
        let found = tx.change_template(&event.waba_id, &event.meta_id, &event.change, event.occurred_at).await?;
        let says_all =
            !matches!(event.change, TemplateChange::Components | TemplateChange::Status(TemplateStatus::Other, _));
        if !(found && says_all)
            && let Some(job) = template_sync_job(&event.waba_id, clock.now(), clock)
        {
            tx.schedule_job(&job).await?;
        }
    }
    Ok(())
}
