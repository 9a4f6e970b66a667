//! Sending messages and what is told to Meta about them.

pub(crate) mod about_message;
pub(crate) mod change_send;
mod content_schema;
mod content_types;
pub(crate) mod message_request;
mod send_error;
pub(crate) mod send_message;
pub(crate) mod send_status;
pub(crate) mod send_to;
mod template_copy;
