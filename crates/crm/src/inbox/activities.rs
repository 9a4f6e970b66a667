use std::collections::BTreeMap;

use kernel::ids::{ContactId, InteractionId};
use kernel::{Clock, StoreError};

use super::messages::find_conversations;
use super::service_window::SERVICE_WINDOW;
use super::stored_message::Pair;
use super::{Activity, ActivityEffect, ConversationUpdate, InboxRepo, InboxTx, Moment};
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
            ActivityEffect::ServiceWindow(account) | ActivityEffect::MissedCall(account) => {
                windows.push((*account, *contact, at + SERVICE_WINDOW));
            }
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

/// What missed calls change in the open conversations with those who called. A call that is stored already changes nothing.
pub(super) async fn missed_calls(
    repo: &mut dyn InboxTx,
    activities: &[(ContactId, Activity)],
    clock: &dyn Clock,
) -> Result<Vec<ConversationUpdate>, StoreError> {
    let mut calls: BTreeMap<&str, (Pair, Moment)> = BTreeMap::new();
    for (contact, activity) in activities {
        if let ActivityEffect::MissedCall(account) = activity.effect {
            let moment = (activity.occurred_at, activity.arrival);
            calls.entry(&activity.source).or_insert(((account, *contact), moment));
        }
    }
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let stored = repo.stored_sources(&calls.keys().copied().collect::<Vec<_>>()).await?;
    calls.retain(|source, _| !stored.contains(*source));
    let wanted = calls.values().map(|(pair, _)| (*pair, false)).collect();
    let conversations = find_conversations(repo, wanted, clock).await?;
    let update = |(pair, moment): (Pair, Moment)| {
        let conversation = *conversations.get(&(pair, false))?;
        Some(ConversationUpdate {
            unread: 1,
            news: 1,
            missed_call: Some(moment),
            ..ConversationUpdate::of(conversation)
        })
    };
    let updates: Option<Vec<_>> = calls.into_values().map(update).collect();
    // It was closed after it was found and before it was locked: the retry opens another.
    updates.ok_or_else(|| StoreError::Retryable("the conversation was closed by another transaction".into()))
}

pub(super) fn interaction(contact: ContactId, activity: &Activity, clock: &dyn Clock) -> Interaction {
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: activity.kind,
        text: activity.text.clone(),
        actor: None,
        message: None,
        about: None,
        source: Some(activity.source.clone()),
        occurred_at: activity.occurred_at,
        arrival: activity.arrival,
    }
}
