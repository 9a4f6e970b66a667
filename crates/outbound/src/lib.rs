#![doc = include_str!("../README.md")]

mod departure;
mod opaque;
mod pacing;
mod pause;
mod ports;
mod send;
mod state;

pub use departure::{Departure, DepartureFacts};
pub use opaque::{AttemptRef, AttemptRefs};
pub use pacing::{NumberPacer, PairPacer};
pub use pause::Pause;
pub use ports::{
    AcceptedSend, AccountState, CallOutcome, Candidate, Credentials, Decided, InterruptedSend, MessageToSend,
    MessagingApi, SendBacklog, SendLedger, SendRepo, SenderLease, SenderRepo, SettledSend, Thread,
};
pub use send::{
    Attempt, AttemptOutcome, MAX_SCHEDULE, NewOutboundMessage, NewSend, RESEND_AFTER, Reason, SEND_WITHIN, SendError,
    Sender, StoredSend, UNKNOWN_SETTLES_WITHIN,
};
pub use state::{MessageStatus, OnUnknown, Priority, SendKind, SendState, SenderKind};
