//! Files of messages, their objects, and the ledger of deletions.

mod at_meta;
mod files;
mod ledger;
mod objects;
mod receiving;
mod repo;
mod row;

pub(crate) use receiving::add_to_accounts;
