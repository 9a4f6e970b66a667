use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::nul::has_nul;
use crate::problem::Problem;

/// The `{id}` of the path. A malformed id gets the same response as an unknown one or one of another tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathId<T>(pub(crate) T);

/// The `{role_id}` of the path; like [`PathId`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathRoleId<T>(pub(crate) T);

/// The `{key}` of the path; like [`PathId`].
#[derive(Clone, Debug)]
pub(crate) struct PathKey<T>(pub(crate) T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, "id").map(Self))
    }
}

impl<T: FromStr> FromRequest for PathRoleId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, "role_id").map(Self))
    }
}

impl<T: FromStr> FromRequest for PathKey<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, "key").map(Self))
    }
}

fn segment<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    let text = request.match_info().get(name).filter(|text| !has_nul(text));
    let value = text.and_then(|text| text.parse().ok());
    value.ok_or_else(Problem::not_found)
}
