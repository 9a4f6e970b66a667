#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod failure;
mod folder;
mod location;
mod place;
mod source;
mod store;
mod writer;

pub use location::LocationError;
pub use store::Objects;
