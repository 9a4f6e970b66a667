//! Failpoints: places where a test makes the process abort, as `kill -9` would, or makes an operation fail.
//!
//! They do nothing without the feature `failpoints`, which no production build has. The variable `FAILPOINTS` arms them.

/// Arms the failpoints in `FAILPOINTS` until the returned value is dropped.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn arm() -> impl Sized {
    fail::FailScenario::setup()
}

/// Aborts if `place` is armed with `return`; sleeps if it is armed with `sleep(milliseconds)`.
#[cfg(feature = "failpoints")]
pub fn die_at(place: &str) {
    fail::eval(place, |_| std::process::abort());
}

/// Aborts if `place` is armed with `return(text)` and `bytes` contains the text.
#[cfg(feature = "failpoints")]
pub fn die_of(place: &str, bytes: &[u8]) {
    if fails(place, bytes) {
        std::process::abort();
    }
}

/// Whether `place` is armed with `return(text)` and `bytes` contains the text.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn fails(place: &str, bytes: &[u8]) -> bool {
    let found = fail::eval(place, |text| {
        let text = text.unwrap_or_default();
        bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
    });
    found.unwrap_or_default()
}

#[cfg(not(feature = "failpoints"))]
#[must_use]
pub const fn arm() -> impl Sized {}

#[cfg(not(feature = "failpoints"))]
pub const fn die_at(_place: &str) {}

#[cfg(not(feature = "failpoints"))]
pub const fn die_of(_place: &str, _bytes: &[u8]) {}

#[cfg(not(feature = "failpoints"))]
#[must_use]
pub const fn fails(_place: &str, _bytes: &[u8]) -> bool {
    false
}
