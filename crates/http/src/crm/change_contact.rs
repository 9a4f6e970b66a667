use std::convert::Infallible;

use actix_web::web;
use crm::{ChangeContactError, ContactName, ContactPatch, Language, MarketingConsent, change_contact};
use kernel::ids::ContactId;
use kernel::{Change, CrmWrite, Grant as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::contacts::{ContactBody, MarketingConsentBody};
use crate::auth::Allow;
use crate::extract::{Json, PathId, member};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactPatch)]
pub(crate) struct PatchBody {
    /// The version as last read.
    #[schema(example = 1)]
    version: i64,
    /// 1 to 200 characters; null: taken from the customer's profile with their next message.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "Grace Hopper", format = "contact-name")]
    display_name: Change<String>,
    /// A merge patch of the attributes: a null member is removed; null removes all.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Object>, example = json!({"customer_number": "4711", "lead": null}))]
    attributes: Change<Map<String, Value>>,
    /// BCP 47; null clears it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "pt-BR", format = "language")]
    language: Change<String>,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = MarketingConsentBody, required = false)]
    marketing_consent: Change<MarketingConsentBody>,
    /// Set to false after review.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = bool, required = false)]
    needs_review: Change<bool>,
}

/// Change a contact
///
/// A JSON Merge Patch. A name set by a user is not replaced by the one from WhatsApp. A change of the marketing consent
/// is recorded as an interaction. A patch that changes nothing keeps the version; one with a `display_name` increases it
/// even if the name is the same.
#[utoipa::path(
    patch,
    path = "/crm/contacts/{id}",
    operation_id = "changeContact",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed resource", body = ContactBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::StaleVersion]))),
)]
pub(crate) async fn change(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ContactId>,
    body: Json<PatchBody>,
) -> Result<web::Json<ContactBody>, Problem> {
    let patch = body.into_inner().check()?;
    let found =
        state.in_tenant(allow, async |permit, tx| change_contact(permit, tx, id, patch, &*state.clock).await).await?;
    Ok(web::Json(found.into()))
}

impl PatchBody {
    fn check(self) -> Result<ContactPatch, Problem> {
        let mut validation = Validation::default();
        let consent = |consent| Ok::<_, Infallible>(MarketingConsent::from(consent));
        let patch = ContactPatch {
            version: self.version,
            display_name: validation.change("/display_name", self.display_name, |name| ContactName::parse(&name)),
            attributes: self.attributes,
            language: validation.change("/language", self.language, |language| Language::parse(&language)),
            marketing_consent: validation.replacement("/marketing_consent", self.marketing_consent, consent),
            needs_review: validation.replacement("/needs_review", self.needs_review, Ok::<_, Infallible>),
        };
        if validation.is_valid() { Ok(patch) } else { Err(validation.into_problem()) }
    }
}

impl From<ChangeContactError> for Problem {
    fn from(error: ChangeContactError) -> Self {
        match error {
            ChangeContactError::NotFound => Self::not_found(),
            ChangeContactError::VersionConflict => Self::new(Code::StaleVersion),
            ChangeContactError::Attributes(error) => {
                let mut validation = Validation::default();
                validation.add(FieldError::in_body("/attributes", "invalid", error.to_string()));
                validation.into_problem()
            }
            ChangeContactError::Store(error) => error.into(),
        }
    }
}
