//! WhatsApp accounts, and the life of webhook events.

mod account;
mod intake;
mod ledger;
mod outcome;
