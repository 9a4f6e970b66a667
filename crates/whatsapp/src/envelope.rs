//! Splits a delivery into events.
//!
//! ```text
//! { object, entry: [ { id: <WABA id>, changes: [ { field, value } ] } ] }
//! ```
//! One delivery may carry many entries, changes, messages and statuses, for several numbers and tenants.

mod contacts;
mod fields;
mod history;
mod payload;
mod splitter;

use kernel::Clock;

use crate::NewEvent;
use crate::json::Object;
pub(crate) use fields::PARTICIPANT;
use splitter::{Route, Splitter};

/// The events of a signed delivery. Nothing is lost: a part that is not understood, or that is larger than 128 KiB, becomes an
/// event of kind `unparsed` with its bytes.
#[must_use]
pub fn split(body: &[u8], clock: &dyn Clock) -> Vec<NewEvent> {
    // Meta sends ASCII. A byte that is not UTF-8 only affects the text that contains it.
    let text = String::from_utf8_lossy(body);
    let mut splitter = Splitter::new(clock);
    match Object::parse(&text) {
        Some(envelope) if envelope.get("entry").is_some_and(|entry| entry.get().starts_with('[')) => {
            for entry in envelope.array("entry") {
                splitter.entry(entry);
            }
        }
        _ => splitter.unparsed(&Route::default(), body),
    }
    splitter.into_events()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
