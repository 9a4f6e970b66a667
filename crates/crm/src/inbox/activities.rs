use kernel::ids::{ContactId, InteractionId};
use kernel::{Clock, StoreError};

use super::service_window::SERVICE_WINDOW;
use super::{Activity, ActivityEffect, InboxRepo};
use crate::Interaction;

/// Applies the effects of activities, each with its contact.
pub(super) async fn apply(repo: &mut dyn InboxRepo, activities: &[(ContactId, Activity)]) -> Result<(), StoreError> {
    let (mut consent, mut names, mut windows) = (Vec::new(), Vec::new(), Vec::new());
    for (contact, activity) in activities {
        let at = activity.occurred_at;
        match &activity.effect {
            ActivityEffect::None => {}
            ActivityEffect::Consent { granted } => consent.push((*contact, *granted, at)),
            ActivityEffect::Name(name) => names.push((*contact, name.clone(), (at, activity.arrival))),
            ActivityEffect::ServiceWindow(account) => windows.push((*account, *contact, at + SERVICE_WINDOW)),
        }
    }
    if !consent.is_empty() {
        repo.record_consent(&consent).await?;
    }
    if !names.is_empty() {
        repo.apply_address_book_names(&names).await?;
    }
    if !windows.is_empty() {
        repo.extend_service_windows(&windows).await?;
    }
    Ok(())
}

pub(super) fn interaction(contact: ContactId, activity: &Activity, clock: &dyn Clock) -> Interaction {
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: activity.kind,
        text: activity.text.clone(),
        actor: None,
        message: None,
        source: Some(activity.source.clone()),
        occurred_at: activity.occurred_at,
        arrival: activity.arrival,
    }
}
