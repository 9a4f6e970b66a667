//! Contacts, conversations and messages.

mod contact;
mod conversation;
mod identity;
mod inbox;
mod message;
