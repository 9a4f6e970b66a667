//! The sandbox over HTTP, as its users see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod faults;
mod kit;
mod limits;
mod media;
mod phone;
mod program;
mod sends;
mod statuses;
mod templates;
mod window;
