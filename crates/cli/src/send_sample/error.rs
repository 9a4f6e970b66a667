use std::io;

use kernel::EntropyUnavailable;

/// Why the sample did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    #[error("{0} is not the URL of a server")]
    Server(String),
    #[error("the server at {server} cannot be reached: {reason}; check that it is running")]
    Unreachable { server: String, reason: String },
    #[error("{action} failed with status {status}: {detail}")]
    Refused { action: &'static str, status: u16, detail: String },
    #[error("{action} failed: the response is not that of the API: {detail}")]
    Unexpected { action: &'static str, detail: String },
    #[error("the tenant has no active WhatsApp number: connect one (POST /whatsapp-accounts) and have it approved")]
    NoActiveNumber,
    #[error("the tenant has no number with the id {0}")]
    NoSuchNumber(String),
    #[error("signing the delivery failed")]
    Unsigned,
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error(
        "the delivery was accepted, but its message was in no conversation after {0} s: check that the relay and \
         the worker are running and that the number is active"
    )]
    NotArrived(u64),
    #[error(transparent)]
    Output(#[from] io::Error),
}
