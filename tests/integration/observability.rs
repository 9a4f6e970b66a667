//! Logs, metrics and traces of a running server.

mod collector;
mod logs;
mod scrape;
mod sending;
mod series;
mod traces;
