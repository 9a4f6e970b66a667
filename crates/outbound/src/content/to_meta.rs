//! What the writing of Meta's JSON needs, and why it can fail.

use kernel::ids::MediaId;
use thiserror::Error;

/// Meta's id of a file of ours, for the number that sends. `None` until the file was uploaded there.
pub type MediaIds<'a> = &'a dyn Fn(MediaId) -> Option<String>;

/// Why content is not ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ToMetaError {
    #[error("the file {0} has not been uploaded to Meta for this number")]
    MediaNotUploaded(MediaId),
    #[error("the parameters of the template have not been checked against it")]
    TemplateNotFilled,
}
