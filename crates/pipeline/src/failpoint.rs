//! Places at which a test makes the process die, as `kill -9` would at this very moment, or makes something fail. Only the feature `failpoints`, which
//! no build for production has, gives them an effect; what is armed is said by the variable `FAILPOINTS`.

/// Arms what `FAILPOINTS` says, until the answer is dropped.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn arm() -> impl Sized {
    fail::FailScenario::setup()
}

/// Dies here, if this place is armed with `return`; waits, if it is armed with `sleep(milliseconds)`.
#[cfg(feature = "failpoints")]
pub fn die_at(place: &str) {
    fail::eval(place, |_| std::process::abort());
}

/// Dies here, if this place is armed with `return(text)` and the text is in the bytes.
#[cfg(feature = "failpoints")]
pub fn die_of(place: &str, bytes: &[u8]) {
    if fails(place, bytes) {
        std::process::abort();
    }
}

/// Whether what is done here is to fail: this place is armed with `return(text)` and the text is in the bytes.
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
pub const fn arm() {}

#[cfg(not(feature = "failpoints"))]
pub const fn die_at(_place: &str) {}

#[cfg(not(feature = "failpoints"))]
pub const fn die_of(_place: &str, _bytes: &[u8]) {}

#[cfg(not(feature = "failpoints"))]
#[must_use]
pub const fn fails(_place: &str, _bytes: &[u8]) -> bool {
    false
}
