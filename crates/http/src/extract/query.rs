use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::nul::{NUL_DETAIL, has_nul};
use super::serde_error::describe_serde_error;
use crate::problem::{Code, FieldError, Problem};

/// The query as a struct whose fields are deserialized from strings. Unknown parameters are refused, so that a mistyped
/// filter is not ignored; repeated ones, because two parsers may read different values.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// A boolean query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flag {
    True,
    False,
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    deserialize(parameters(query)?)
}

/// The parameters of a query, each given once.
pub(super) fn parameters(query: &str) -> Result<Map<String, Value>, Problem> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if has_nul(&name) || has_nul(&value) {
            return Err(invalid(&name, "invalid", NUL_DETAIL));
        }
        if parameters.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            return Err(invalid(&name, "duplicate", "is given twice"));
        }
    }
    Ok(parameters)
}

pub(super) fn deserialize<T: DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(parameters)).map_err(|error| {
        let error_text = describe_serde_error(&error.inner().to_string());
        let name = error_text.field.unwrap_or_else(|| error.path().to_string());
        invalid(&name, error_text.code, &error_text.detail.replace("field", "parameter"))
    })
}

fn invalid(parameter: &str, code: &'static str, detail: &str) -> Problem {
    Problem::new(Code::InvalidQuery)
        .with_detail(format!(
            "The query parameter {parameter:?} {}.",
            if code == "unknown" { "is unknown" } else { "is invalid" }
        ))
        .with_errors(vec![FieldError::in_query(parameter, code, detail)])
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Status {
        Open,
        Closed,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        status: Option<Status>,
        assignee: Option<Uuid>,
    }

    #[test]
    fn query_without_errors_is_parsed() {
        assert_eq!(parse::<Filter>("").unwrap(), Filter::default());
        let filter: Filter = parse("status=open&assignee=0190b5a2-7e2f-7000-8000-000000000000").unwrap();
        assert_eq!(filter.status, Some(Status::Open));
        assert!(filter.assignee.is_some());
    }

    #[test]
    fn invalid_parameter_is_named_in_the_error() {
        let rows = [
            ("stauts=open", "stauts", "unknown"),
            ("status=open&status=closed", "status", "duplicate"),
            ("status=ajar", "status", "invalid"),
            ("assignee=me", "assignee", "invalid"),
            ("status=open%00", "status", "invalid"),
            ("st%00atus=open", "st\0atus", "invalid"),
        ];
        for (query, parameter, code) in rows {
            let problem = parse::<Filter>(query).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidQuery);
            let error = &problem.to_json(None)["errors"][0];
            assert_eq!((&error["parameter"], &error["code"]), (&json!(parameter), &json!(code)), "{query}");
        }
    }
}
