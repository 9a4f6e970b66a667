use std::fmt;
use std::str::FromStr;

use crate::{Clock, hex};

/// Where in a trace something happens: W3C Trace Context, level 1. It goes with an event from its delivery through the
/// database and the queue to its worker, so that one trace shows all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    trace: [u8; 16],
    parent: [u8; 8],
    sampled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no traceparent")]
pub struct InvalidTraceparent;

impl Traceparent {
    /// The beginning of a trace that nobody records.
    #[must_use]
    pub fn start(clock: &dyn Clock) -> Self {
        Self { trace: clock.new_id().into_bytes(), parent: span_id(clock), sampled: false }
    }

    /// The same, and whether its spans are recorded.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        Self { sampled, ..self }
    }

    /// Whether whoever is next is to record spans, too.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(self, clock: &dyn Clock) -> Self {
        Self { parent: span_id(clock), ..self }
    }

    /// What all spans of a trace have in common: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }

    /// The span that something is done in: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        hex(&self.parent)
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

    /// The part of a trace's id that is random in any case, as a share of 1: its last four bytes. Those before may be a
    /// time and a counter.
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

    /// Reads version 00, and of later versions what they have in common with it.
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

/// Lower-case hexadecimal digits, twice as many as bytes.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], InvalidTraceparent> {
    if !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(InvalidTraceparent);
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2).ok_or(InvalidTraceparent)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidTraceparent)?;
    }
    Ok(bytes)
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex(&self.trace), hex(&self.parent), u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn reads_and_writes_the_example_of_the_standard() {
        let read: Traceparent = EXAMPLE.parse().unwrap();
        assert_eq!(read.to_string(), EXAMPLE);
        assert_eq!(read.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let next = read.child(&SystemClock::new());
        assert_eq!(next.trace_id(), read.trace_id());
        assert_ne!(next, read);
    }

    #[test]
    fn what_it_makes_it_reads() {
        let made = Traceparent::start(&SystemClock::new());
        assert_eq!(made.to_string().parse(), Ok(made));
    }

    #[test]
    fn later_versions_may_say_more_and_nothing_else_is_read() {
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
