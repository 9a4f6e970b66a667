//! The field `history`: chunks of threads of messages that are older than the connection of the number.

use super::fields::{CHUNK, IN_THREAD};
use super::payload::{PayloadTemplate, is_array, object};
use super::splitter::{ChangeContext, Splitter};
use crate::json::Object;

/// The members of a thread that each message needs: they name the customer.
const OF_THREAD: [&str; 2] = ["id", "context"];

impl Splitter<'_> {
    /// Makes an event of each message of each thread.
    pub(super) fn chunks(&mut self, value: &Object<'_>, context: &ChangeContext<'_>, shared: &str) {
        for raw in value.array(CHUNK.name) {
            match Object::parse(raw.get()) {
                Some(chunk) => self.chunk(&chunk, context, shared),
                None => self.unparsed(context.route, raw.get().as_bytes()),
            }
        }
    }

    fn chunk(&mut self, chunk: &Object<'_>, context: &ChangeContext<'_>, shared: &str) {
        let mut left = Vec::new();
        for raw in chunk.array("threads") {
            match Object::parse(raw.get()) {
                Some(thread) => left.extend(self.thread(&thread, context, shared)),
                None => self.unparsed(context.route, raw.get().as_bytes()),
            }
        }
        // Its phase and progress, or its errors.
        let mut rest = object(chunk.members().filter(|(key, slice)| !(*key == "threads" && is_array(slice))));
        if !left.is_empty() {
            rest.pop();
            let comma = if rest.len() > 1 { "," } else { "" };
            rest = format!(r#"{rest}{comma}"threads":[{}]}}"#, left.join(","));
        }
        if rest != "{}" {
            self.item(&CHUNK, context, &PayloadTemplate::list(shared, &CHUNK), &rest, Some(&Object::default()));
        }
    }

    /// Splits the messages of a thread; returns its other members.
    fn thread(&mut self, thread: &Object<'_>, context: &ChangeContext<'_>, shared: &str) -> Option<String> {
        let messages = thread.array(IN_THREAD.name);
        let members = OF_THREAD.iter().filter_map(|key| Some((*key, thread.get(key)?)));
        let template = PayloadTemplate::thread(shared, members);
        for raw in &messages {
            self.item(&IN_THREAD, context, &template, raw.get(), Object::parse(raw.get()).as_ref());
        }
        let rest = object(thread.members().filter(|(key, slice)| {
            let is_messages = *key == IN_THREAD.name && is_array(slice);
            messages.is_empty() || !(is_messages || OF_THREAD.contains(key))
        }));
        (rest != "{}").then_some(rest)
    }
}
