#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod accounts;
mod answer;
mod client;
mod error_body;
mod media;
mod messages;
mod pages;
mod templates;
#[cfg(test)]
mod test_server;

pub use client::{ClientError, GraphClient, GraphEndpoint};
