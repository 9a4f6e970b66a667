//! Response bodies of the API as types, so that a misspelt field is a compile error.
//!
//! Ids, times and states are text, as clients see them. A field that the API gets later is ignored until a test reads it.

mod audit;
mod billing;
mod channel;
mod contact;
mod conversation;
mod event;
mod message;
mod problem;
mod role;
mod search;
mod session;
mod tenant;
mod user;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use audit::{AuditRecord, AuditVerification, Party};
pub(crate) use billing::{
    DailyUsage, Invoice, Money, PeriodUsage, Plan, SentMessages, Subscription, TotalUsage, Usage,
};
pub(crate) use channel::{AccountCheck, MetaApp, OwnedAccount, Sending, WhatsAppAccount};
pub(crate) use contact::{Contact, Identity, Interaction};
pub(crate) use conversation::Conversation;
pub(crate) use event::{ReplayedEvents, WebhookEvent, WebhookEventDetails};
pub(crate) use message::{Message, Reaction, ReplyTo};
pub(crate) use problem::Problem;
pub(crate) use role::{Membership, Permission, Role};
pub(crate) use search::{Hit, Hits};
pub(crate) use session::{LoggedIn, Me, Session};
pub(crate) use tenant::Tenant;
pub(crate) use user::User;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The cursor of the next page, which must exist.
    #[track_caller]
    pub(crate) fn cursor(&self) -> &str {
        self.next_cursor.as_deref().expect("there is a next page")
    }
}

/// What has a path of its own below the path of its list.
pub(crate) trait Resource: DeserializeOwned {
    /// The path of the list.
    const LIST: &'static str;

    /// The last segment of its path.
    fn segment(&self) -> &str;

    fn path(&self) -> String {
        format!("{}/{}", Self::LIST, self.segment())
    }
}

/// What is changed with the version that was read.
pub(crate) trait Versioned: Resource {
    fn version(&self) -> i64;
}

/// One member of each item.
pub(crate) fn column<'items, T, M>(items: &'items [T], member: impl Fn(&'items T) -> M) -> Vec<M> {
    items.iter().map(member).collect()
}
