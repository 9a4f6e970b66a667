//! Phone numbers as WhatsApp writes them, digits of E.164, and as people do.

mod spelling;
mod written;

pub(super) use spelling::other_spelling;
pub use written::written_number;
