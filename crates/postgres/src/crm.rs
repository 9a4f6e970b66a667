//! Contacts, conversations, messages and interactions.

mod contact;
mod conversation;
mod erasure;
mod identity;
mod identity_keys;
mod inbox;
mod interaction;
mod merge;
mod message;
mod search;
