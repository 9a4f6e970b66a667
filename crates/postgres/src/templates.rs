//! Copies of the templates that business accounts have at Meta.

mod events;
mod replace;
mod repo;
mod row;
mod syncs;
