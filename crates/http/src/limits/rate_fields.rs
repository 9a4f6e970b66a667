use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::rate_counter::Remaining;

/// The fields of the IETF's draft "`RateLimit` header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tells what is left of a quota: `r` requests, all of it again in `t` seconds. A response has an item for each quota that the
/// request counted in.
pub(crate) fn add_rate_fields(headers: &mut HeaderMap, policy: &'static str, remaining: Remaining) {
    let Remaining { quota, window, requests } = remaining;
    let restored = remaining.restored_after();
    let seconds = restored.as_secs() + u64::from(restored.subsec_nanos() > 0);
    add(headers, RATE_LIMIT, &format!(r#""{policy}";r={requests};t={seconds}"#));
    add(headers, RATE_LIMIT_POLICY, &format!(r#""{policy}";q={quota};w={}"#, window.as_secs()));
}

fn add(headers: &mut HeaderMap, name: HeaderName, item: &str) {
    let items = headers.get(&name).and_then(|value| value.to_str().ok());
    let items = items.map_or_else(|| item.to_owned(), |items| format!("{items}, {item}"));
    if let Ok(value) = HeaderValue::from_str(&items) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_quota_has_an_item() {
        let mut headers = HeaderMap::new();
        let remaining = Remaining { quota: 100, window: Duration::from_mins(1), requests: 49 };
        add_rate_fields(&mut headers, "user", remaining);
        add_rate_fields(&mut headers, "address", Remaining { quota: 200, requests: 200, ..remaining });
        assert_eq!(headers.get(RATE_LIMIT).unwrap(), r#""user";r=49;t=31, "address";r=200;t=0"#);
        assert_eq!(headers.get(RATE_LIMIT_POLICY).unwrap(), r#""user";q=100;w=60, "address";q=200;w=60"#);
    }
}
