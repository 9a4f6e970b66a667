use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{AccountId, MessageId, SendId, SenderId};
use kernel::{MessageCategory, StoreError, Traceparent};

use crate::{Attempt, AttemptRef, DepartureFacts, OnUnknown, Reason, SendError, SendKind, SendState, SendingPause};

/// What a sender needs to know of its number.
#[derive(Clone, Debug)]
pub struct AccountState {
    pub phone_number_id: String,
    /// Messages a second.
    pub throughput: u32,
    /// A pause of all that the account sends.
    pub pause: Option<SendingPause>,
    /// When its access token was entered; nothing leaves without one.
    pub token_set_at: Option<DateTime<Utc>>,
    /// The earliest time at which a queued send that is not due will be.
    pub next_due: Option<DateTime<Utc>>,
}

/// A send whose turn it is.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: SendId,
    pub kind: SendKind,
    pub message: MessageId,
    pub conversation: String,
    pub template: Option<String>,
    pub recipient: String,
    /// The JSON for Meta, without its opaque data.
    pub body: String,
    pub facts: DepartureFacts,
    /// Attempts so far.
    pub attempts: i32,
    pub refusals: i32,
    pub resends: i32,
    pub on_unknown: OnUnknown,
    /// A pause of its customer, conversation or template.
    pub paused_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub trace: Option<Traceparent>,
    /// Meta's ids of files were put into its body.
    pub has_files: bool,
}

/// What was decided about candidates.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// They are claimed: Meta is called for them next.
    pub leaving: Vec<SendId>,
    /// They, and what follows them in their conversations, wait until then.
    pub waiting: Vec<(SendId, DateTime<Utc>)>,
    pub ended: Vec<(SendId, SendState, Reason)>,
}

/// What a call or its absence made of a send.
#[derive(Clone, Debug)]
pub struct SettledSend {
    pub id: SendId,
    pub state: SendState,
    /// Of the queued: when it may leave again.
    pub due_at: DateTime<Utc>,
    /// It was refused for now.
    pub was_refused: bool,
    /// It is sent again although it may have been sent.
    pub is_resend: bool,
    pub may_have_been_sent: bool,
    pub error: Option<SendError>,
    pub wamid: Option<String>,
    pub attempt: Attempt,
}

/// A send that Meta has just accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedSend {
    pub id: SendId,
    pub message: MessageId,
    /// `None` for what has no price: reactions, read receipts.
    pub category: Option<MessageCategory>,
    /// Statuses of the message are stored already.
    pub has_updates: bool,
    pub wamid: Option<String>,
    /// When it was to be sent.
    pub wanted_at: DateTime<Utc>,
}

/// A send whose sender died while it called Meta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterruptedSend {
    pub id: SendId,
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    pub on_unknown: OnUnknown,
    pub resends: i32,
    pub kind: SendKind,
}

/// Sends of one number, as its sender works them. In a transaction of its tenant.
#[async_trait]
pub trait SenderRepo: Send {
    /// The state of the account, if the sender has the lease for at least `margin` longer, and keeps it until the transaction
    /// ends; `None` if not. Sends whose time has come are due afterwards, and those whose time is over have expired.
    async fn lock_lease(
        &mut self,
        account: AccountId,
        holder: SenderId,
        margin: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountState>, StoreError>;
    /// The next sends of the account, at most `limit`, in the order in which they leave: the first of each conversation that has
    /// none in flight.
    async fn candidates(
        &mut self,
        account: AccountId,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Candidate>, StoreError>;
    /// Stores what was decided. Returns the attempts that begin: those of the leaving ones that were not canceled meanwhile.
    async fn store_decisions(
        &mut self,
        account: AccountId,
        holder: SenderId,
        decided: &Decided,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttemptRef>, StoreError>;
    /// Stores the outcomes of attempts. One that a status has settled meanwhile, or that has another attempt, keeps its state.
    /// Returns those that Meta has accepted by it. The messages are locked by their wamids.
    async fn settle_sends(
        &mut self,
        account: AccountId,
        settled: &[SettledSend],
    ) -> Result<Vec<AcceptedSend>, StoreError>;
    /// Sends whose calls to Meta were stored as begun, but for those that are `under_way` or not settled yet: a sender died
    /// meanwhile, or did not learn that the beginning was stored.
    async fn interrupted_sends(
        &mut self,
        account: AccountId,
        under_way: &[SendId],
    ) -> Result<Vec<InterruptedSend>, StoreError>;
}
