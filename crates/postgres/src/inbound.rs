//! WhatsApp accounts, Meta apps, and the life of webhook events.

mod account;
mod health;
mod housekeeping;
mod intake;
mod ledger;
mod meta_app;
mod outcome;
