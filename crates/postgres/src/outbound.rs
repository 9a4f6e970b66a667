//! Sends: what people and programs want to be sent (`sends`, `thread`), and the work of senders (`sender`, `send_ledger`).

mod housekeeping;
pub(crate) mod pauses;
mod send_ledger;
mod sender;
mod sends;
mod settlement;
mod thread;

pub(crate) use settlement::settle_by_status;
