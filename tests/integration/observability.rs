//! What a running server tells about itself: its log, its metrics and its traces.

mod collector;
mod logs;
mod scrape;
mod series;
mod traces;
