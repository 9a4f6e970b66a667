//! WhatsApp accounts, Meta apps and webhook events.

mod account;
mod account_credentials;
mod claim;
mod event;
mod health;
mod housekeeping;
mod intake;
mod ledger;
#[expect(clippy::ref_option_ref, reason = "Diesel's derives refer to optional columns so")]
mod meta_app;
mod outcome;
mod replay;
