/// The payload does not match the event's kind. A retry cannot succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the format is unknown")]
    Unparsed,
    #[error("the payload is not an entry with one change")]
    NoChange,
    #[error("the payload has no item of its kind")]
    NoItem,
    #[error("the item has no id")]
    NoId,
    #[error("the id of the item is too long")]
    IdTooLong,
    #[error("the person's ids are missing")]
    NoPerson,
}
