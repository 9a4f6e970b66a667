//! Pages with cursors, as the Graph API has them.

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::auth::query;
use super::error::GraphError;

const DEFAULT_LIMIT: usize = 25;

/// The page of the items that `limit` and `after` ask for. `paging.next` is there as long as there is another.
pub(super) fn page(request: &HttpRequest, items: Vec<Value>) -> Result<Value, GraphError> {
    let limit = match query(request, "limit") {
        None => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=1000).contains(limit))
            .ok_or_else(|| GraphError::parameter("Param limit must be a number of 1 to 1000."))?,
    };
    let after = query(request, "after");
    let start = match &after {
        None => 0,
        Some(cursor) => position(cursor).ok_or_else(|| GraphError::with_details(131_059, "after is not a cursor"))?,
    };
    let total = items.len();
    let data: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    if data.is_empty() {
        return Ok(json!({ "data": [] }));
    }
    let end = start + data.len();
    let mut paging = json!({"cursors": {"before": cursor(start), "after": cursor(end)}});
    if end < total {
        paging["next"] = next(request, &cursor(end)).into();
    }
    Ok(json!({"data": data, "paging": paging}))
}

/// The address of the next page: this one, with another cursor. Meta puts the token into it; here the header brings it again.
fn next(request: &HttpRequest, cursor: &str) -> String {
    let connection = request.connection_info();
    let kept = request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("after=") && !pair.starts_with("access_token="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!(
        "{}://{}{}?{}{separator}after={cursor}",
        connection.scheme(),
        connection.host(),
        request.path(),
        query.join("&")
    )
}

fn cursor(position: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("at:{position}"))
}

fn position(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("at:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn items() -> Vec<Value> {
        (0..30).map(|index| json!({ "id": index })).collect()
    }

    #[test]
    fn pages_are_followed_to_the_end() {
        let first =
            page(&TestRequest::with_uri("/v25.0/2/message_templates?fields=id").to_http_request(), items()).unwrap();
        assert_eq!(first["data"].as_array().unwrap().len(), 25);
        let next = first["paging"]["next"].as_str().unwrap();
        assert!(next.contains("fields=id&after="), "{next}");
        let second = page(&TestRequest::with_uri(next).to_http_request(), items()).unwrap();
        assert_eq!(second["data"].as_array().unwrap().len(), 5);
        assert!(second["paging"].get("next").is_none());
    }

    #[test]
    fn wrong_cursor_is_refused() {
        let request = TestRequest::with_uri("/x?after=nonsense").to_http_request();
        assert_eq!(page(&request, items()).unwrap_err().code, 131_059);
    }
}
