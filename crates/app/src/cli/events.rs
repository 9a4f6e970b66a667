//! Webhook events, worked with by an operator: a tenant's, or those that belong to none.

use std::io::{self, Write as _};

use audit::{InvalidReason, Origin, Reason};
use flows::{
    Database as _, DiscardEventError, EventDeskTx, ReplayEventError, SplitAgainError, TenantTx, count_replayable,
    discard_event, discard_tenantless_event, replay_event, replay_events, settle, split_again,
};
use inbound::{EventDetails, EventReader, ReplayLimit, ReplayLimitOutOfRange, WebhookEvent, event, events};
use kernel::ids::EventId;
use kernel::{Limit, Operator, PageRequest, StoreError, SystemClock, TenantScope};
use postgres::Postgres;

use super::CliError;
use super::arguments::events::{EventsCommand, ReplayArgs};
use super::whatsapp::{AccountsError, find_tenant};
use crate::config::DatabaseConfig;
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    #[error("there is no such event{0}")]
    NoSuchEvent(&'static str),
    #[error("--reason {0}")]
    Reason(#[from] InvalidReason),
    #[error("--limit {0}")]
    Limit(#[from] ReplayLimitOutOfRange),
    #[error("--all needs --tenant: what belongs to no tenant is replayed one by one")]
    AllOfNobody,
    #[error(transparent)]
    Tenant(#[from] AccountsError),
    #[error(transparent)]
    Replay(#[from] ReplayEventError),
    #[error(transparent)]
    Discard(#[from] DiscardEventError),
    #[error(transparent)]
    SplitAgain(#[from] SplitAgainError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Whose events are worked with.
struct Desk {
    database: Postgres,
    /// None: those that belong to no tenant.
    tenant: Option<TenantScope>,
    clock: SystemClock,
}

pub(super) async fn run(config: DatabaseConfig, command: EventsCommand) -> Result<(), CliError> {
    let database = postgres(&config)?;
    Ok(carry_out(database, command).await?)
}

async fn carry_out(database: Postgres, command: EventsCommand) -> Result<(), EventsError> {
    let desk = Desk::open(database, command.tenant()).await?;
    match command {
        EventsCommand::List { filter, limit, .. } => {
            let page = PageRequest { limit: Limit::new(limit).unwrap_or_default(), after: None };
            let page =
                read(&desk, async |reader| events(operator().into(), reader, &filter.into(), &page).await).await?;
            page.items.iter().try_for_each(|event| writeln!(io::stdout(), "{}", line(event)))?;
        }
        EventsCommand::Show { id, payload, .. } => {
            let may_see_payload = payload.then(|| operator().into());
            let found = read(&desk, async |reader| event(operator().into(), may_see_payload, reader, id).await).await?;
            print(&found.ok_or_else(|| desk.no_such_event())?)?;
        }
        EventsCommand::Replay(arguments) => desk.replay(arguments).await?,
        EventsCommand::Discard { id, reason, .. } => {
            let event = desk.discard(id, &Reason::parse(&reason)?).await?;
            writeln!(io::stdout(), "{}", line(&event))?;
        }
    }
    Ok(())
}

/// Runs a query in a transaction of the right kind.
async fn read<T>(
    desk: &Desk,
    query: impl AsyncFnOnce(&mut dyn EventReader) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let Some(scope) = &desk.tenant {
        let mut tx = desk.database.tenant(scope).await?;
        let outcome = query(&mut *tx).await;
        settle(tx, outcome).await
    } else {
        let mut tx = desk.database.intake().await?;
        let outcome = query(&mut *tx).await;
        settle(tx, outcome).await
    }
}

impl Desk {
    async fn open(database: Postgres, tenant: Option<&str>) -> Result<Self, EventsError> {
        let tenant = match tenant {
            Some(reference) => Some(find_tenant(&database, reference).await?),
            None => None,
        };
        #[expect(clippy::disallowed_methods, reason = "an operator at the command line names the tenant")]
        let tenant = tenant.map(|tenant| TenantScope::mint(tenant.id));
        Ok(Self { database, tenant, clock: SystemClock::new() })
    }

    async fn replay(&self, arguments: ReplayArgs) -> Result<(), EventsError> {
        let ReplayArgs { id, filter, limit, dry_run, reason, .. } = arguments;
        let reason = reason.as_deref().map(Reason::parse).transpose()?;
        let mut out = io::stdout();
        match (id, &self.tenant, &reason) {
            (Some(id), Some(scope), Some(reason)) => {
                let mut tx = self.database.tenant(scope).await?;
                let desk: &mut dyn EventDeskTx = &mut *tx;
                let outcome = replay_event(operator().into(), desk, id, reason, Origin::default(), &self.clock).await;
                writeln!(out, "{}", line(&settle(tx, outcome).await?))?;
            }
            (Some(id), None, Some(reason)) => {
                let mut tx = self.database.intake().await?;
                let outcome = split_again(operator(), &mut *tx, id, reason, Origin::default(), &self.clock).await;
                writeln!(out, "stored {} events", settle(tx, outcome).await?)?;
            }
            (None, Some(scope), _) => {
                let (filter, limit) = (filter.into(), limit.map_or(Ok(ReplayLimit::default()), ReplayLimit::new)?);
                let mut tx = self.database.tenant(scope).await?;
                let repo: &mut dyn TenantTx = &mut *tx;
                let by = operator().into();
                let outcome = match reason.filter(|_| !dry_run) {
                    None => count_replayable(by, repo, &filter, limit).await,
                    Some(reason) => {
                        replay_events(by, repo, &filter, limit, &reason, Origin::default(), &self.clock).await
                    }
                };
                let (events, done) = (settle(tx, outcome).await?, if dry_run { "would be" } else { "are" });
                writeln!(out, "{events} events {done} replayed")?;
            }
            (None, None, _) => return Err(EventsError::AllOfNobody),
            // The command line demands a reason for anything but a dry run.
            (Some(_), _, None) => return Err(InvalidReason.into()),
        }
        Ok(())
    }

    async fn discard(&self, id: EventId, reason: &Reason) -> Result<WebhookEvent, EventsError> {
        let origin = Origin::default();
        if let Some(scope) = &self.tenant {
            let mut tx = self.database.tenant(scope).await?;
            let outcome = discard_event(operator().into(), &mut *tx, id, reason, origin, &self.clock).await;
            Ok(settle(tx, outcome).await?)
        } else {
            let mut tx = self.database.intake().await?;
            let outcome = discard_tenantless_event(operator(), &mut *tx, id, reason, origin, &self.clock).await;
            Ok(settle(tx, outcome).await?)
        }
    }

    const fn no_such_event(&self) -> EventsError {
        EventsError::NoSuchEvent(if self.tenant.is_some() { "" } else { " without a tenant; whose is it? (--tenant)" })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the command line")]
pub(super) const fn operator() -> Operator {
    Operator::at_the_command_line()
}

fn line(event: &WebhookEvent) -> String {
    let error = event.last_error.as_deref().unwrap_or("-");
    let class = event.error_class.map_or("-", inbound::ErrorClass::key);
    format!(
        "{}  {:<11}  {:<8}  {}  attempts {}  replays {}  {class}  {error}",
        event.id,
        event.status.key(),
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
        let class = failed.class.key();
        writeln!(out, "failed {at}  replay {}  attempt {}  {class}  {}", failed.replay, failed.attempt, failed.error)?;
    }
    if let Some(payload) = payload {
        writeln!(out, "{}", String::from_utf8_lossy(payload))?;
    }
    Ok(())
}
