use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use kernel::Clock;

/// Identifies a request in its response, in the log and in problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
    const MAX_BYTES: usize = 128;

    /// The client's own id if it is valid, so that a request can be traced across systems; otherwise a new one.
    pub(super) fn from_headers(headers: &HeaderMap, clock: &dyn Clock) -> Self {
        let given = headers.get(Self::HEADER).and_then(|value| value.to_str().ok());
        given
            .filter(|text| Self::is_valid(text))
            .map_or_else(|| Self(clock.new_id().to_string()), |id| Self(id.to_owned()))
    }

    /// Only characters that are safe in log lines and headers.
    fn is_valid(text: &str) -> bool {
        (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemClock;

    use super::*;

    fn id_for(value: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, HeaderValue::from_bytes(value).unwrap());
        RequestId::from_headers(&headers, &SystemClock::new()).as_str().to_owned()
    }

    #[test]
    fn valid_request_id_is_kept() {
        for id in ["a", "0190b5a2-7e2f-7000-8000-000000000000", "A.b_c-9", &"x".repeat(128)] {
            assert_eq!(id_for(id.as_bytes()), id);
        }
    }

    #[test]
    fn invalid_request_id_is_replaced() {
        for id in [&b""[..], b"a b", b"a\"b", "é".as_bytes(), b"a\tb", b"{}", "x".repeat(129).as_bytes()] {
            assert_eq!(id_for(id).len(), 36, "{id:?}");
        }
        assert_eq!(RequestId::from_headers(&HeaderMap::new(), &SystemClock::new()).as_str().len(), 36);
    }
}
