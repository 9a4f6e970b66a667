//! Who calls.

use actix_web::HttpRequest;

use super::error::GraphError;

/// The token of the call: in the header, or in the query.
///
/// # Errors
/// There is none.
pub(super) fn token(request: &HttpRequest) -> Result<String, GraphError> {
    let header = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("OAuth ")));
    let token = bearer.map(|token| token.trim().to_owned()).or_else(|| query(request, "access_token"));
    token.filter(|token| !token.is_empty()).ok_or_else(|| GraphError {
        http_status: 401,
        message: "An access token is required to request this resource.".to_owned(),
        ..GraphError::of(104)
    })
}

/// A parameter of the query; the first, if there are several.
pub(super) fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
    pairs.into_inner().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
