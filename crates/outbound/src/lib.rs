#![doc = include_str!("../README.md")]

pub mod content;
pub mod error_table;
mod ports;
pub mod template;

pub use content::{
    Address, Content, ContentError, ContentErrorKind, ContentType, Emoji, InvalidAddress, MediaKind, MediaRef,
    OutboundReaction, ToMetaError, message_json, read_receipt_json, typing_json,
};
pub use error_table::{Action, BackOff, ErrorClass, Pause, PauseEnd, PauseScope, PausedSends, Verdict, When, classify};
pub use ports::{
    BusinessAccountAccess, CallOutcome, Credentials, MessagingApi, StoredTemplate, SyncCounts, TakenTemplate,
    TemplateApi, TemplateApiError, TemplateEventRepo, TemplateFilter, TemplateRepo, TemplateSyncDirectory,
};
pub use template::{
    FilledTemplate, Language, NewTemplate, Template, TemplateCall, TemplateCategory, TemplateEdit, TemplateQuality,
    TemplateStatus,
};
