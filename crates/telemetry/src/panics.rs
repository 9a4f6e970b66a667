use std::panic::PanicHookInfo;

/// Logs a panic, in the span in which it happened.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    let reason = without_values(panic.payload_as_str().unwrap_or("unknown payload"));
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, reason, "panicked");
}

/// The words before the first value. A panic quotes values, such as the text of a message that was sliced inside a
/// character; the location is enough to find the cause.
fn without_values(reason: &str) -> &str {
    reason.split(['`', '\'', '"', ':']).next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_in_a_panic_message_is_not_logged() {
        let cut = std::panic::catch_unwind(|| "für Ada"[..2].len()).unwrap_err();
        let text = cut.downcast_ref::<String>().unwrap();
        assert!(text.contains("Ada"), "the panic quotes the value: {text}");
        assert!(!without_values(text).contains("Ada"), "{text}");
        assert_eq!(without_values("attempt to subtract with overflow"), "attempt to subtract with overflow");
    }
}
