//! Phone numbers as WhatsApp writes them, digits of E.164, and as people do. `phonenumber`, a port of Google's libphonenumber, knows
//! the countries: their codes, prefixes and formats.

mod country;
mod input;
mod spelling;
mod written;

pub use country::PhoneCountry;
pub(crate) use input::SearchedNumber;
pub use input::{NumberInput, NumberWithoutCountry};
pub(super) use spelling::other_spelling;
pub use written::written_number;
