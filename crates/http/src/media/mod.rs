//! `/crm/media`: files of messages.

pub(crate) mod content;
mod content_range;
pub(crate) mod file_name;
mod form;
pub(crate) mod media_body;
pub(crate) mod read;
pub(crate) mod retry;
pub(crate) mod store_error;
pub(crate) mod thumbnail;
pub(crate) mod upload;
