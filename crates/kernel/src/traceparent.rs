use std::fmt;
use std::str::FromStr;

use crate::Clock;

/// A position in a trace: the `traceparent` of W3C Trace Context, level 1. It is stored with an event and sent with its queue
/// message, so that one trace covers delivery, relay and worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    trace: [u8; 16],
    parent: [u8; 8],
    sampled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a traceparent")]
pub struct InvalidTraceparent;

impl Traceparent {
    /// The root of a trace that is not sampled.
    #[must_use]
    pub fn start(clock: &dyn Clock) -> Self {
        Self { trace: clock.new_id().into_bytes(), parent: span_id(clock), sampled: false }
    }

    /// The same position with this sampling decision.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        Self { sampled, ..self }
    }

    /// Whether the spans of this trace are recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// A child span in the same trace.
    #[must_use]
    pub fn child(self, clock: &dyn Clock) -> Self {
        Self { parent: span_id(clock), ..self }
    }

    /// The id of the trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    /// The id of the span: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        hex::encode(self.parent)
    }

    /// The id of the trace, as bytes.
    #[must_use]
    pub const fn trace_bytes(&self) -> [u8; 16] {
        self.trace
    }

    /// The id of the span, as bytes.
    #[must_use]
    pub const fn span_bytes(&self) -> [u8; 8] {
        self.parent
    }

    /// The last four bytes of the trace id, which are always random, as a number from 0 to 1. The bytes before may be a time
    /// and a counter.
    #[must_use]
    pub(crate) fn lot(&self) -> f64 {
        let [.., a, b, c, d] = self.trace;
        f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0
    }
}

/// The random half of an id.
fn span_id(clock: &dyn Clock) -> [u8; 8] {
    let (_, random) = clock.new_id().as_u64_pair();
    random.to_be_bytes()
}

impl FromStr for Traceparent {
    type Err = InvalidTraceparent;

    /// Parses version 00, and the fields of later versions that version 00 has, too.
    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| parts.next().filter(|part| part.len() == digits).ok_or(InvalidTraceparent);
        let [version, trace, parent, flags] = [next(2)?, next(32)?, next(16)?, next(2)?];
        let ended = parts.next().is_none();
        let [version] = bytes(version)?;
        if version == 0xff || (version == 0 && !ended) {
            return Err(InvalidTraceparent);
        }
        let (trace, parent, [flags]) = (bytes(trace)?, bytes(parent)?, bytes(flags)?);
        if trace == [0; 16] || parent == [0; 8] {
            return Err(InvalidTraceparent);
        }
        Ok(Self { trace, parent, sampled: flags & 1 == 1 })
    }
}

/// Parses lower-case hexadecimal digits, two per byte.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], InvalidTraceparent> {
    if !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(InvalidTraceparent);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidTraceparent)?;
    Ok(bytes)
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.parent), u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn standard_example_parses_and_formats() {
        let read: Traceparent = EXAMPLE.parse().unwrap();
        assert_eq!(read.to_string(), EXAMPLE);
        assert_eq!(read.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let next = read.child(&SystemClock::new());
        assert_eq!(next.trace_id(), read.trace_id());
        assert_ne!(next, read);
    }

    #[test]
    fn generated_traceparent_parses_back() {
        let made = Traceparent::start(&SystemClock::new());
        assert_eq!(made.to_string().parse(), Ok(made));
    }

    #[test]
    fn later_version_parses_and_malformed_text_is_refused() {
        assert!("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more".parse::<Traceparent>().is_ok());
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-1",
        ] {
            assert_eq!(text.parse::<Traceparent>(), Err(InvalidTraceparent), "{text}");
        }
    }
}
