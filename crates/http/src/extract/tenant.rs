use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use iam::TenantReference;

use crate::problem::{Code, Problem};

pub(crate) const TENANT_HEADER: HeaderName = HeaderName::from_static("x-tenant-id");

/// The tenant that `X-Tenant-ID` names, if it is sent.
///
/// # Errors `invalid_tenant_id` if it is neither an id nor a slug, or is sent twice.
pub(crate) fn tenant_header(headers: &HeaderMap) -> Result<Option<TenantReference>, Problem> {
    let mut values = headers.get_all(TENANT_HEADER);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    let reference = value.to_str().ok().and_then(|text| text.parse().ok());
    match (reference, rest) {
        (Some(reference), None) => Ok(Some(reference)),
        _ => Err(Problem::new(Code::InvalidTenantId)),
    }
}

/// `X-Tenant-ID` of an anonymous request, required. For authenticated requests the access token names the tenant.
#[derive(Clone, Debug)]
pub(crate) struct TenantHeader(pub(crate) TenantReference);

impl FromRequest for TenantHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let named = tenant_header(request.headers());
        ready(named.and_then(|named| named.map(Self).ok_or_else(|| Problem::new(Code::TenantRequired))))
    }
}

/// `X-Tenant-ID` where the credentials name the tenant as well; the two must agree.
#[derive(Clone, Debug)]
pub(crate) struct OptionalTenantHeader(pub(crate) Option<TenantReference>);

impl FromRequest for OptionalTenantHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(tenant_header(request.headers()).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn code_for(values: &[&str]) -> Option<Code> {
        let request =
            values.iter().fold(TestRequest::default(), |request, value| request.append_header((TENANT_HEADER, *value)));
        let extracted = TenantHeader::from_request(&request.to_http_request(), &mut Payload::None).into_inner();
        extracted.err().map(|problem| problem.code())
    }

    #[test]
    fn tenant_header_is_one_id_or_slug() {
        assert_eq!(code_for(&["acme"]), None);
        assert_eq!(code_for(&["0190b5a2-7e2f-7000-8000-000000000000"]), None);
        assert_eq!(code_for(&[]), Some(Code::TenantRequired));
        for values in [&[""][..], &["A b"], &["' OR 1=1"], &["acme", "acme"], &["acme", "other"]] {
            assert_eq!(code_for(values), Some(Code::InvalidTenantId), "{values:?}");
        }
    }
}
