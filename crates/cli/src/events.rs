//! `parley events`: webhook events of a tenant, or those that belong to no tenant.

use std::io::{self, Write as _};

use audit::{InvalidReason, Reason, RequestOrigin};
use flows::{
    Database, DiscardEventError, ReparseDeliveryError, ReplayEventError, ReplayEventsTx, TenantTx, count_replayable,
    discard_event, discard_events, discard_tenantless_event, discard_tenantless_events, reparse_delivery, replay_event,
    replay_events,
};
use inbound::{
    DiscardFilter, EventDetails, EventReader, ReplayLimit, ReplayLimitOutOfRange, WebhookEvent, event, events,
};
use kernel::ids::EventId;
use kernel::{PageLimit, PageRequest, StoreError, SystemClock, TenantScope};

use super::arguments::events::{DiscardArgs, EventsCommand, ReplayArgs};
use super::tenant::{FindTenantError, find_tenant, operator, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    #[error("there is no event with that id{0}")]
    NoSuchEvent(&'static str),
    #[error("--reason {0}")]
    Reason(#[from] InvalidReason),
    #[error("--limit {0}")]
    Limit(#[from] ReplayLimitOutOfRange),
    #[error("--all requires --tenant: events without a tenant are replayed one by one")]
    AllWithoutTenant,
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error(transparent)]
    Replay(#[from] ReplayEventError),
    #[error(transparent)]
    Discard(#[from] DiscardEventError),
    #[error(transparent)]
    Reparse(#[from] ReparseDeliveryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Events of one tenant, or those that belong to no tenant.
struct EventsOf<'a> {
    database: &'a dyn Database,
    /// `None`: events that belong to no tenant.
    tenant: Option<TenantScope>,
    clock: SystemClock,
}

pub(super) async fn run(database: &dyn Database, command: EventsCommand) -> Result<(), EventsError> {
    let target = EventsOf::open(database, command.tenant()).await?;
    match command {
        EventsCommand::List { status, filter, limit, .. } => {
            let page = PageRequest { limit: PageLimit::new(limit).unwrap_or_default(), after: None };
            let filter = filter.with_status(status);
            let page = target.read(async |reader| events(operator().into(), reader, &filter, &page).await).await?;
            page.items.iter().try_for_each(|event| writeln!(io::stdout(), "{}", line(event)))?;
        }
        EventsCommand::Show { id, payload, .. } => {
            let may_see_payload = payload.then(|| operator().into());
            let found = target.read(async |reader| event(operator().into(), may_see_payload, reader, id).await).await?;
            print(&found.ok_or_else(|| target.no_such_event())?)?;
        }
        EventsCommand::Replay(arguments) => target.replay(arguments).await?,
        EventsCommand::Discard(DiscardArgs { id, status, filter, reason, .. }) => {
            let reason = Reason::parse(&reason)?;
            if let Some(id) = id {
                writeln!(io::stdout(), "{}", line(&target.discard(id, &reason).await?))?;
            } else {
                let events = target.discard_all(&filter.into_discard(status), &reason).await?;
                writeln!(io::stdout(), "{events} events discarded")?;
            }
        }
    }
    Ok(())
}

impl<'a> EventsOf<'a> {
    async fn open(database: &'a dyn Database, tenant: Option<&str>) -> Result<Self, FindTenantError> {
        let tenant = match tenant {
            Some(reference) => Some(scope_of(&find_tenant(database, reference).await?)),
            None => None,
        };
        Ok(Self { database, tenant, clock: SystemClock::new() })
    }

    async fn read<T>(
        &self,
        query: impl AsyncFnOnce(&mut dyn EventReader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.tenant {
            Some(scope) => self.database.in_tenant(scope, async |tx| query(tx).await).await,
            None => self.database.in_intake(async |tx| query(tx).await).await,
        }
    }

    async fn replay(&self, arguments: ReplayArgs) -> Result<(), EventsError> {
        let ReplayArgs { id, status, filter, limit, dry_run, reason, .. } = arguments;
        let reason = reason.as_deref().map(Reason::parse).transpose()?;
        let (origin, mut out) = (RequestOrigin::default(), io::stdout());
        match (id, &self.tenant, &reason) {
            (Some(id), Some(scope), Some(reason)) => {
                let event = self
                    .database
                    .in_tenant(scope, async |tx| {
                        let repo: &mut dyn ReplayEventsTx = tx;
                        replay_event(operator().into(), repo, id, reason, origin, &self.clock).await
                    })
                    .await?;
                writeln!(out, "{}", line(&event))?;
            }
            (Some(id), None, Some(reason)) => {
                let stored = self
                    .database
                    .in_intake(async |tx| reparse_delivery(operator(), tx, id, reason, origin, &self.clock).await)
                    .await?;
                writeln!(out, "stored {stored} events")?;
            }
            (None, Some(scope), _) => {
                let (filter, limit) =
                    (filter.into_replay(status), limit.map_or(Ok(ReplayLimit::default()), ReplayLimit::new)?);
                let by = operator().into();
                let events = self
                    .database
                    .in_tenant(scope, async |tx| match reason.as_ref().filter(|_| !dry_run) {
                        None => count_replayable(by, tx, &filter, limit).await,
                        Some(reason) => replay_events(by, tx, &filter, limit, reason, origin, &self.clock).await,
                    })
                    .await?;
                writeln!(out, "{events} events {}", if dry_run { "would be replayed" } else { "replayed" })?;
            }
            (None, None, _) => return Err(EventsError::AllWithoutTenant),
            // Only a dry run has no reason, and a dry run has no id.
            (Some(_), _, None) => return Err(InvalidReason.into()),
        }
        Ok(())
    }

    async fn discard(&self, id: EventId, reason: &Reason) -> Result<WebhookEvent, EventsError> {
        let origin = RequestOrigin::default();
        let discarded = match &self.tenant {
            Some(scope) => {
                let by = operator().into();
                let discard =
                    async |tx: &mut dyn TenantTx| discard_event(by, tx, id, reason, origin, &self.clock).await;
                self.database.in_tenant(scope, discard).await
            }
            None => {
                self.database
                    .in_intake(async |tx| {
                        discard_tenantless_event(operator(), tx, id, reason, origin, &self.clock).await
                    })
                    .await
            }
        };
        Ok(discarded?)
    }

    /// In transactions of a limited number of events.
    async fn discard_all(&self, filter: &DiscardFilter, reason: &Reason) -> Result<usize, EventsError> {
        let mut total = 0;
        loop {
            let origin = RequestOrigin::default();
            let discarded = match &self.tenant {
                Some(scope) => {
                    let discard = async |tx: &mut dyn TenantTx| {
                        discard_events(operator().into(), tx, filter, reason, origin, &self.clock).await
                    };
                    self.database.in_tenant(scope, discard).await?
                }
                None => {
                    self.database
                        .in_intake(async |tx| {
                            discard_tenantless_events(operator(), tx, filter, reason, origin, &self.clock).await
                        })
                        .await?
                }
            };
            if discarded == 0 {
                return Ok(total);
            }
            total += discarded;
        }
    }

    const fn no_such_event(&self) -> EventsError {
        EventsError::NoSuchEvent(if self.tenant.is_some() {
            ""
        } else {
            " among those without a tenant (name its tenant with --tenant)"
        })
    }
}

fn line(event: &WebhookEvent) -> String {
    let error = event.last_error.as_deref().unwrap_or("-");
    let class = event.error_class.map_or("-", |class| class.into_str());
    format!(
        "{}  {:<11}  {:<8}  {}  attempts {}  replays {}  {class}  {error}",
        event.id,
        event.status.into_str(),
        event.kind,
        event.received_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        event.attempts,
        event.replays,
    )
}

fn print(details: &EventDetails) -> io::Result<()> {
    let mut out = io::stdout();
    let EventDetails { event, failed_attempts, payload } = details;
    writeln!(out, "{}", line(event))?;
    writeln!(out, "app {}  account {}", event.app.as_str(), event.account.map_or("-".to_owned(), |id| id.to_string()))?;
    for failed in failed_attempts {
        let at = failed.failed_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let class = failed.class.into_str();
        writeln!(out, "failed {at}  replay {}  attempt {}  {class}  {}", failed.replay, failed.attempt, failed.error)?;
    }
    if let Some(payload) = payload {
        writeln!(out, "{}", String::from_utf8_lossy(payload))?;
    }
    Ok(())
}
