use std::panic::PanicHookInfo;

/// A panic is a line of the log like any other, in the span where it happened.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    let reason = without_values(panic.payload_as_str().unwrap_or("of unknown kind"));
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, reason, "panicked");
}

/// The words before the first value: a panic quotes what it stumbled over, such as the text of a message that was cut in
/// the middle of a letter. Where it happened says the rest.
fn without_values(reason: &str) -> &str {
    reason.split(['`', '\'', '"', ':']).next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_quotes_is_not_logged() {
        let cut = std::panic::catch_unwind(|| "für Ada"[..2].len()).unwrap_err();
        let said = cut.downcast_ref::<String>().unwrap();
        assert!(said.contains("Ada"), "the premise: {said}");
        assert!(!without_values(said).contains("Ada"), "{said}");
        assert_eq!(without_values("attempt to subtract with overflow"), "attempt to subtract with overflow");
    }
}
