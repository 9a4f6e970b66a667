#![doc = include_str!("../README.md")]

mod admin;
mod bucket;
mod clock;
mod graph;
mod ids;
mod messages;
mod options;
mod phone;
mod random;
mod server;
mod setup;
mod shared;
mod ticker;
mod webhooks;
mod world;

pub use options::{CustomerOption, NumberOption, Options};
pub use server::{Sandbox, StartError};
