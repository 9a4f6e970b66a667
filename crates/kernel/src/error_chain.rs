/// The text of an error and of all its causes, for a log line.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use crate::StoreError;

    #[test]
    fn error_chain_contains_causes() {
        let error = StoreError::Unavailable("connection refused".into());
        assert_eq!(super::error_chain(&error), "the database is unavailable: connection refused");
    }
}
