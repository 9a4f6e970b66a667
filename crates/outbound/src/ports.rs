mod housekeeping;
mod messaging_api;
mod pauses;
mod send_ledger;
mod send_repo;
mod sender_repo;
mod templates;

pub use housekeeping::SendHousekeeping;
pub use messaging_api::{CallOutcome, Credentials, MessagingApi};
pub use pauses::{PauseRepo, PausesToEnd};
pub use send_ledger::{SendBacklog, SendLedger, SenderLease};
pub use send_repo::{MessagePlace, MessageToSend, NewMessageSend, SendRepo, Thread};
pub use sender_repo::{AcceptedSend, AccountState, Candidate, Decided, InterruptedSend, SenderRepo, SettledSend};
pub use templates::{
    BusinessAccountAccess, StoredTemplate, SyncCounts, TakenTemplate, TemplateApi, TemplateApiError, TemplateEventRepo,
    TemplateFilter, TemplateName, TemplateRepo,
};
