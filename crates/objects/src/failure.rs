use media::ObjectStoreError;
use object_store::Error;

/// Characters of a text that are kept.
const MAX_CHARACTERS: usize = 300;

/// Whether trying again later may succeed.
pub(crate) fn failure(error: &Error) -> ObjectStoreError {
    let text = describe(error);
    match error {
        Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::UnknownConfigurationKey { .. }
        | Error::InvalidPath { .. } => ObjectStoreError::Refused(text),
        _ => ObjectStoreError::Unavailable(text),
    }
}

/// The error and its causes, without addresses.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    let words = text.split_whitespace().map(|word| if word.contains("://") { "(address)" } else { word });
    let text: String = words.collect::<Vec<_>>().join(" ");
    text.chars().take(MAX_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_address() {
        let error = std::io::Error::other("cannot reach https://key:secret@bucket.example/a?sig=1 now");
        assert_eq!(describe(&error), "cannot reach (address) now");
    }

    #[test]
    fn wrong_credentials_are_a_refusal() {
        let denied = Error::PermissionDenied { path: "a".to_owned(), source: "no".into() };
        assert!(matches!(failure(&denied), ObjectStoreError::Refused(_)));
        let generic = Error::Generic { store: "S3", source: "time is up".into() };
        assert!(matches!(failure(&generic), ObjectStoreError::Unavailable(_)));
    }
}
