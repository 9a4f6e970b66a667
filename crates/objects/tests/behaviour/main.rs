//! The adapter against a folder, and against a real S3 server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bucket;
mod contract;
mod folder;
