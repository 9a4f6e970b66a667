use std::str::FromStr;

use clap::{Args, Subcommand};
use inbound::{DiscardFilter, DiscardableStatus, ErrorClass, EventFilter, EventStatus, ReplayFilter, ReplayableStatus};
use kernel::ids::{AccountId, EventId};
use whatsapp::EventKind;

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, latest first
    List {
        #[command(flatten)]
        tenant: TenantArgs,
        /// Status of the events
        #[arg(long, value_name = "STATUS", value_parser = status)]
        status: Option<EventStatus>,
        #[command(flatten)]
        filter: FilterArgs,
        /// Maximum number, 1 to 100
        #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
    /// Show an event with its failed attempts
    Show {
        #[command(flatten)]
        tenant: TenantArgs,
        /// The event's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: EventId,
        /// Print the payload, too; it contains customers' messages
        #[arg(long)]
        payload: bool,
    },
    /// Process dead letters again with the running version
    ///
    /// A delivery that could not be parsed, and so belongs to no tenant, is parsed and stored again. Events of an unknown number
    /// need no replay: they are processed once the number is connected.
    Replay(ReplayArgs),
    /// Discard a dead letter, or all events that match a filter
    Discard(DiscardArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TenantArgs {
    /// Id or slug of the tenant [default: events that belong to no tenant]
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// `message`, `status`, `unparsed`, or the field of the change
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Id of a WhatsApp account
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Error class of the last failure
    #[arg(long, value_name = "CLASS", value_parser = error_class)]
    error_class: Option<ErrorClass>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArgs,
    /// The event's id, as `list` shows it
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<EventId>,
    /// All events of a tenant that match the filter, oldest first, a hundred a second
    #[arg(long)]
    pub(crate) all: bool,
    /// Status of the events, with --all: `dead_letter` or `discarded`
    #[arg(
        long,
        value_name = "STATUS",
        value_parser = replayable_status,
        default_value = ReplayableStatus::DeadLetter.into_str(),
        requires = "all"
    )]
    pub(crate) status: ReplayableStatus,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Maximum number, with --all [default: 10000]
    #[arg(long, value_name = "COUNT", requires = "all")]
    pub(crate) limit: Option<u32>,
    /// Only print the number, with --all
    #[arg(long, requires = "all")]
    pub(crate) dry_run: bool,
    /// The reason; recorded in the audit log
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArgs,
    /// The event's id, as `list` shows it
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<EventId>,
    /// All events that match the filter, of a tenant or without one
    #[arg(long)]
    pub(crate) all: bool,
    /// Status of the events, with --all: `dead_letter` or `unroutable`
    #[arg(
        long,
        value_name = "STATUS",
        value_parser = discardable_status,
        default_value = DiscardableStatus::DeadLetter.into_str(),
        requires = "all"
    )]
    pub(crate) status: DiscardableStatus,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// The reason; recorded in the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

impl EventsCommand {
    /// Id or slug of the tenant, if one is named.
    pub(crate) fn tenant(&self) -> Option<&str> {
        let (Self::List { tenant, .. }
        | Self::Show { tenant, .. }
        | Self::Discard(DiscardArgs { tenant, .. })
        | Self::Replay(ReplayArgs { tenant, .. })) = self;
        tenant.tenant.as_deref()
    }
}

impl FilterArgs {
    pub(crate) fn with_status(self, status: Option<EventStatus>) -> EventFilter {
        let Self { kind, account, error_class } = self;
        EventFilter { status, kind: kind.map(EventKind::from_stored), account, error_class }
    }

    pub(crate) fn into_discard(self, status: DiscardableStatus) -> DiscardFilter {
        let Self { kind, account, error_class } = self;
        DiscardFilter { status, kind: kind.map(EventKind::from_stored), account, error_class }
    }

    pub(crate) fn into_replay(self, status: ReplayableStatus) -> ReplayFilter {
        let Self { kind, account, error_class } = self;
        ReplayFilter { status, kind: kind.map(EventKind::from_stored), account, error_class }
    }
}

fn discardable_status(text: &str) -> Result<DiscardableStatus, String> {
    one_of(text, DiscardableStatus::ALL)
}

fn status(text: &str) -> Result<EventStatus, String> {
    one_of(text, EventStatus::ALL)
}

fn replayable_status(text: &str) -> Result<ReplayableStatus, String> {
    one_of(text, ReplayableStatus::ALL)
}

fn error_class(text: &str) -> Result<ErrorClass, String> {
    one_of(text, ErrorClass::ALL)
}

/// The case of a closed set with that text.
fn one_of<T: Copy + FromStr + Into<&'static str>>(text: &str, cases: &[T]) -> Result<T, String> {
    let texts = || cases.iter().map(|case| (*case).into()).collect::<Vec<&str>>();
    text.parse().map_err(|_| format!("must be one of {}", texts().join(", ")))
}
