//! The statements that the servers of this process send to the database.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// Statements by the text that they were watched for.
static WATCHED: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(|| {
    set_default_instrumentation(|| Some(Box::new(Recorder))).expect("the instrumentation can be set");
    Mutex::default()
});

struct Recorder;

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let statement = query.to_string();
            for (text, found) in &mut *WATCHED.lock().unwrap() {
                if statement.contains(text) {
                    found.push(statement.clone());
                }
            }
        }
    }
}

/// Must be called before the server is started whose statements are watched.
pub(crate) fn record() {
    LazyLock::force(&WATCHED);
}

/// Watches statements that contain a text, such as a tenant's id among the values, from now on.
pub(crate) fn watch(text: &str) {
    WATCHED.lock().unwrap().insert(text.to_owned(), Vec::new());
}

/// The statements since then.
pub(crate) fn watched(text: &str) -> Vec<String> {
    WATCHED.lock().unwrap().get(text).cloned().unwrap_or_default()
}
