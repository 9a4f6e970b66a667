//! Logs, metrics and traces of a running server.

mod collector;
mod logs;
mod scrape;
mod series;
mod traces;
