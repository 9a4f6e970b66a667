//! What strangers, addresses, users and tenants may ask of a server.

mod anonymous;
mod guesses;
mod meta_apps;
mod new_accounts;
mod pages;
mod requests;
mod tenants;
mod unusable_events;
