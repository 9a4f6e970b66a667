use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use inbound::{
    DiscardFilter, DiscardableStatus, ErrorClass, EventFilter, EventIntake, EventOutcomeRepo, EventReader, EventRepo,
    EventStatus, FailedAttempt, IncomingEvent, ReplayFilter, ReplayLimit, ReplayableStatus, StoredBatch, StoredEvent,
    TenantlessEventRepo, UnusableQuota, WebhookEvent,
};
use kernel::ids::EventId;
use kernel::{Clock, Page, PageRequest, StoreError};
use whatsapp::{EventKind, MetaAppKey};

use super::FakeStore;

/// The webhook events of the tenant, or those that belong to no tenant.
#[derive(Debug, Default)]
pub(crate) struct FakeEvents {
    pub(crate) stored: Vec<FakeEvent>,
    /// Events of deliveries that were parsed and stored.
    pub(crate) received: Vec<IncomingEvent>,
    /// Another transaction finishes each event between the moments at which it is read and written.
    pub(crate) are_finished_meanwhile: bool,
}

/// An event, and its payload until the retention deletes it.
#[derive(Debug)]
pub(crate) struct FakeEvent {
    pub(crate) event: WebhookEvent,
    pub(crate) payload: Option<Vec<u8>>,
}

impl FakeStore {
    /// Adds an event of the deployment's Meta app. It was received now.
    pub(crate) fn add_event(&mut self, status: EventStatus, payload: Option<&str>) -> EventId {
        let id = EventId::new(&*self.clock);
        let event = WebhookEvent {
            id,
            app: MetaAppKey::deployment(),
            account: None,
            kind: EventKind::message(),
            status,
            attempts: 0,
            replays: 0,
            received_at: self.clock.now(),
            processed_at: None,
            next_attempt_at: None,
            error_class: None,
            last_error: None,
        };
        self.events.stored.push(FakeEvent { event, payload: payload.map(|text| text.as_bytes().to_vec()) });
        id
    }

    pub(crate) fn stored_event(&self, id: EventId) -> &WebhookEvent {
        self.events.stored.iter().map(|stored| &stored.event).find(|event| event.id == id).unwrap()
    }

    pub(crate) fn status_of(&self, id: EventId) -> EventStatus {
        self.stored_event(id).status
    }

    /// The event if it has one of the statuses.
    fn event_in(&mut self, id: EventId, statuses: &[EventStatus]) -> Option<&mut FakeEvent> {
        self.events.stored.iter_mut().find(|it| it.event.id == id && statuses.contains(&it.event.status))
    }

    /// The events that a replay selects, oldest first.
    fn replayable(&self, filter: &ReplayFilter, limit: ReplayLimit) -> Vec<EventId> {
        let status = match filter.status {
            ReplayableStatus::DeadLetter => EventStatus::DeadLetter,
            ReplayableStatus::Discarded => EventStatus::Discarded,
        };
        let is_selected = |it: &&FakeEvent| {
            it.event.status == status
                && it.payload.is_some()
                && filter.kind.as_ref().is_none_or(|kind| it.event.kind == *kind)
                && filter.account.is_none_or(|account| it.event.account == Some(account))
                && filter.error_class.is_none_or(|class| it.event.error_class == Some(class))
        };
        let selected = self.events.stored.iter().filter(is_selected).map(|it| it.event.id);
        selected.take(usize::try_from(limit.get()).unwrap()).collect()
    }
}

const UNFINISHED: [EventStatus; 2] = [EventStatus::Received, EventStatus::Retrying];

#[async_trait]
impl EventReader for FakeStore {
    async fn events(&mut self, _: &EventFilter, _: &PageRequest) -> Result<Page<WebhookEvent>, StoreError> {
        unreachable!("no use case of this crate lists events")
    }

    async fn event(&mut self, id: EventId) -> Result<Option<WebhookEvent>, StoreError> {
        Ok(self.events.stored.iter().map(|stored| &stored.event).find(|event| event.id == id).cloned())
    }

    async fn failed_attempts(&mut self, _: EventId) -> Result<Vec<FailedAttempt>, StoreError> {
        unreachable!("no use case of this crate reads failed attempts")
    }

    async fn event_payload(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = self.events.stored.iter().find(|stored| stored.event.id == id);
        Ok(stored.and_then(|stored| stored.payload.clone()))
    }

    async fn discard_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(stored) = self.event_in(id, &[EventStatus::DeadLetter]) else { return Ok(false) };
        (stored.event.status, stored.event.processed_at) = (EventStatus::Discarded, Some(now));
        Ok(true)
    }

    async fn discard_events(
        &mut self,
        filter: &DiscardFilter,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let status = match filter.status {
            DiscardableStatus::DeadLetter => EventStatus::DeadLetter,
            DiscardableStatus::Unroutable => EventStatus::Unroutable,
        };
        let events = self.events.stored.iter_mut().map(|stored| &mut stored.event);
        let selected = events.filter(|event| event.status == status).take(usize::try_from(limit).unwrap());
        Ok(selected.map(|event| (event.status, event.processed_at) = (EventStatus::Discarded, Some(now))).count())
    }
}

#[async_trait]
impl EventRepo for FakeStore {
    async fn replay_event(&mut self, id: EventId, _: DateTime<Utc>) -> Result<bool, StoreError> {
        let ended = self.event_in(id, &[EventStatus::DeadLetter, EventStatus::Discarded]);
        let Some(FakeEvent { event, .. }) = ended.filter(|it| it.payload.is_some()) else { return Ok(false) };
        let (app, kind) = (event.app.clone(), event.kind.clone());
        *event = WebhookEvent {
            app,
            kind,
            status: EventStatus::Received,
            attempts: 0,
            replays: event.replays + 1,
            processed_at: None,
            next_attempt_at: None,
            error_class: None,
            last_error: None,
            ..*event
        };
        Ok(true)
    }

    async fn replay_events(
        &mut self,
        filter: &ReplayFilter,
        limit: ReplayLimit,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let selected = self.replayable(filter, limit);
        for id in &selected {
            self.replay_event(*id, now).await?;
        }
        Ok(selected.len())
    }

    async fn count_replayable(&mut self, filter: &ReplayFilter, limit: ReplayLimit) -> Result<usize, StoreError> {
        Ok(self.replayable(filter, limit).len())
    }
}

#[async_trait]
impl TenantlessEventRepo for FakeStore {
    async fn finish_reparsed_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        if self.events.are_finished_meanwhile {
            return Ok(false);
        }
        self.discard_event(id, now).await
    }
}

#[async_trait]
impl EventIntake for FakeStore {
    async fn store_events(
        &mut self,
        new: &[IncomingEvent],
        _: UnusableQuota,
        _: DateTime<Utc>,
    ) -> Result<StoredBatch, StoreError> {
        fn key(it: &IncomingEvent) -> (&str, &str) {
            (it.app.as_str(), &it.event.dedupe_key)
        }
        let mut stored = Vec::new();
        for incoming in new {
            if !self.events.received.iter().any(|it| key(it) == key(incoming)) {
                self.events.received.push(incoming.clone());
                let status = EventStatus::Unroutable;
                stored.push(StoredEvent { id: incoming.event.id, tenant: None, status });
            }
        }
        Ok(StoredBatch { stored, dropped: Vec::new() })
    }
}

#[async_trait]
impl EventOutcomeRepo for FakeStore {
    async fn lock_events_to_process(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<EventId, Vec<u8>>, StoreError> {
        let is_waiting = |it: &WebhookEvent| match it.status {
            EventStatus::Received => true,
            EventStatus::Retrying => it.next_attempt_at.is_some_and(|next| next <= now),
            _ => false,
        };
        let waiting = self.events.stored.iter().filter(|stored| is_waiting(&stored.event));
        let locked = waiting.filter(|stored| events.contains(&stored.event.id));
        Ok(locked.map(|stored| (stored.event.id, stored.payload.clone().unwrap_or_default())).collect())
    }

    async fn postpone_early_events(&mut self, _: &[EventId], _: DateTime<Utc>) -> Result<(), StoreError> {
        // The fake has no ledger.
        Ok(())
    }

    async fn finish_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError> {
        for id in events {
            if let Some(FakeEvent { event, .. }) = self.event_in(*id, &UNFINISHED) {
                (event.status, event.processed_at) = (EventStatus::Processed, Some(now));
            }
        }
        Ok(())
    }

    async fn delete_payloads_naming(&mut self, _: &[EventId], _: &[String]) -> Result<(), StoreError> {
        unreachable!("no contact of unit tests was erased")
    }

    async fn retry_event(
        &mut self,
        id: EventId,
        next_attempt_at: DateTime<Utc>,
        class: ErrorClass,
        error: &str,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(FakeEvent { event, .. }) = self.event_in(id, &UNFINISHED) else { return Ok(false) };
        (event.status, event.next_attempt_at) = (EventStatus::Retrying, Some(next_attempt_at));
        (event.error_class, event.last_error) = (Some(class), Some(error.to_owned()));
        Ok(true)
    }

    async fn dead_letter_event(
        &mut self,
        id: EventId,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(FakeEvent { event, .. }) = self.event_in(id, &UNFINISHED) else { return Ok(false) };
        (event.status, event.processed_at) = (EventStatus::DeadLetter, Some(now));
        (event.error_class, event.last_error) = (Some(class), Some(error.to_owned()));
        Ok(true)
    }
}
