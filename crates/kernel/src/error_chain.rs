/// An error with everything that caused it, for a line in the log.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use crate::StoreError;

    #[test]
    fn tells_the_causes_too() {
        let error = StoreError::Unavailable("connection refused".into());
        assert_eq!(super::error_chain(&error), "the database is unavailable: connection refused");
    }
}
