//! WhatsApp accounts, Meta apps and webhook events.

mod account;
mod event;
mod health;
mod housekeeping;
mod intake;
mod ledger;
mod meta_app;
mod outcome;
mod replay;
