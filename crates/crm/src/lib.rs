//! Contacts, conversations, messages and interactions
