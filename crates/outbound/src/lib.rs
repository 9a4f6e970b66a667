#![doc = include_str!("../README.md")]

pub mod content;
mod departure;
pub mod error_table;
mod opaque;
mod pacing;
mod pause;
mod ports;
mod send;
mod settle;
mod state;
pub mod template;

pub use content::{
    Address, AttachedFile, Content, ContentError, ContentErrorKind, ContentType, Emoji, InvalidAddress, MediaKind,
    MediaRef, OutboundReaction, ToMetaError, message_json, read_receipt_json, typing_json,
};
pub use departure::{Departure, DepartureFacts};
pub use error_table::{Action, BackOff, ErrorClass, Pause, PauseEnd, PauseScope, PausedSends, Verdict, When, classify};
pub use opaque::{AttemptRef, AttemptRefs};
pub use pacing::{NumberPacer, PairPacer};
pub use pause::SendingPause;
pub use ports::{
    AcceptedSend, AccountState, BusinessAccountAccess, CallOutcome, Candidate, Credentials, Decided, InterruptedSend,
    MessagePlace, MessageToSend, MessagingApi, NewMessageSend, PauseRepo, PausesToEnd, SendBacklog, SendHousekeeping,
    SendLedger, SendRepo, SenderLease, SenderRepo, SettledSend, StoredTemplate, SyncCounts, TakenTemplate, TemplateApi,
    TemplateApiError, TemplateEventRepo, TemplateFilter, TemplateName, TemplateRepo, Thread,
};
pub use send::{
    Attempt, AttemptOutcome, MAX_SCHEDULE, NewOutboundMessage, NewSend, RESEND_AFTER, Reason, SEND_WITHIN, SendError,
    Sender, StoredSend, UNKNOWN_SETTLES_WITHIN,
};
pub use settle::{AttemptFacts, FILE_REFUSED, settle, settle_interrupted};
pub use state::{MessageStatus, OnUnknown, Priority, SendKind, SendState, SenderKind};
pub use template::{
    FilledTemplate, Language, NewTemplate, Template, TemplateCall, TemplateCategory, TemplateEdit, TemplateQuality,
    TemplateStatus,
};
