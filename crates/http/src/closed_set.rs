//! Closed sets of the domains in request and response bodies.

/// Defines the body type of a closed set: a transparent wrapper of the domain's enum, whose schema lists the texts that
/// `strum` gives its cases. Doc comments become the description of the schema.
macro_rules! closed_set {
    ($(#[doc = $doc:literal])* $body:ident = $domain:ty, $name:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        #[serde(transparent)]
        pub(crate) struct $body($domain);

        impl From<$domain> for $body {
            fn from(value: $domain) -> Self {
                Self(value)
            }
        }

        impl From<$body> for $domain {
            fn from(body: $body) -> Self {
                body.0
            }
        }

        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let texts = <$domain as strum::VariantArray>::VARIANTS.iter().map(<&'static str>::from);
                $crate::closed_set::schema(&[$($doc),*], texts)
            }
        }

        impl utoipa::ToSchema for $body {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}

pub(crate) use closed_set;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// The schema of a string with these values; the lines of a doc comment become its description.
pub(crate) fn schema(doc: &[&str], texts: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let description = doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    let description = Some(description).filter(|description| !description.is_empty());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(texts)).description(description).into()
}
