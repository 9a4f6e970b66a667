//! Contacts, conversations, messages and interactions.

mod contact;
mod conversation;
mod identity;
mod inbox;
mod interaction;
mod merge;
mod message;
mod words;
