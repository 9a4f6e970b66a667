use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;

/// Hides the lines in which actix reports that a client sent what is no HTTP request, or hung up in the middle of one. It logs them as
/// errors, but an error is what a person has to act on, and anyone can send such bytes. They are shown where `debug` is.
///
/// A layer around the one that writes: the message is part of the event, and a `Filter` that decides by events leaves its verdict
/// to the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvalidRequests {
    shown: bool,
}

const TARGET: &str = "actix_http::h1::dispatcher";
const MESSAGE: &str = "stream error: ";

impl InvalidRequests {
    pub(crate) fn shown_at(level: Option<LevelFilter>) -> Self {
        Self { shown: level.is_none_or(|level| level >= LevelFilter::DEBUG) }
    }

    fn is_hidden(self, event: &Event<'_>) -> bool {
        if self.shown || event.metadata().target() != TARGET {
            return false;
        }
        let mut message = Message(false);
        event.record(&mut message);
        message.0
    }
}

impl<S: Subscriber> Layer<S> for InvalidRequests {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        !self.is_hidden(event)
    }
}

/// Whether the message is that of an invalid request.
struct Message(bool);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").starts_with(MESSAGE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{fmt, registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: LevelFilter) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let layer = layer.and_then(InvalidRequests::shown_at(Some(level))).with_filter(level);
        tracing::subscriber::with_default(registry().with(layer), || {
            tracing::error!(target: TARGET, "stream error: {}", "invalid Header provided");
            tracing::error!(target: TARGET, "write zero; closing");
            tracing::error!(target: "app", "stream error: ours");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn invalid_request_is_logged_where_debug_is() {
        let text = logged(LevelFilter::INFO);
        assert!(!text.contains("invalid Header"), "{text}");
        assert!(text.contains("write zero") && text.contains("stream error: ours"), "{text}");
        assert!(logged(LevelFilter::DEBUG).contains("stream error: invalid Header provided"));
    }
}
