//! What a request to send says, and whether Meta would take it.

pub(crate) mod address;
pub(crate) mod check;
mod content;
mod interactive;
mod media;
pub(crate) mod request;
pub(crate) mod template;
