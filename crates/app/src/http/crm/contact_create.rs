use actix_web::{HttpResponse, web};
use crm::identity::{IdentityKey, InvalidIdentity};
use crm::{Attributes, ContactName, CreateContact, CreateContactError, Language, create_contact};
use kernel::{CrmWrite, Grant as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::contacts::{ContactBody, IdentityKindBody, MarketingConsentBody};
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::once::{Begun, IdempotencyHeader, Once};
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

/// Identities that one contact is given at most.
const MAX_IDENTITIES: usize = 20;

/// A name or an identity at least.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateContact, example = json!({
    "display_name": "Grace Hopper",
    "identities": [{"kind": "phone", "value": "+1 555 0100 777"}],
    "attributes": {"customer_number": "4711"},
    "language": "en",
}))]
pub(crate) struct CreateBody {
    /// 1 to 200 characters; without one, the customer's profile gives it when they write.
    #[schema(example = "Grace Hopper")]
    display_name: Option<String>,
    #[serde(default)]
    #[schema(max_items = 20, required = false)]
    identities: Vec<GivenIdentityBody>,
    /// The tenant's own fields: at most 16 KiB, 5 levels deep.
    #[serde(default)]
    #[schema(value_type = Object, required = false, example = json!({"customer_number": "4711"}))]
    attributes: Map<String, Value>,
    /// BCP 47.
    #[schema(example = "en")]
    language: Option<String>,
    #[serde(default)]
    #[schema(required = false)]
    marketing_consent: MarketingConsentBody,
}

/// What a customer is known by. User ids are WhatsApp's to give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GivenContactIdentity)]
pub(crate) struct GivenIdentityBody {
    /// `phone` or `username`.
    kind: IdentityKindBody,
    /// A phone number with its country's code, written in any way, or a user name.
    #[schema(example = "+1 555 0100 001")]
    value: String,
}

/// Make a contact
///
/// Whoever writes from one of its numbers is this contact from then on. A number that leads to another contact already is
/// refused; a user name, which is for display only, is not.
#[utoipa::path(
    post,
    path = "/crm/contacts",
    operation_id = "createContact",
    tag = tag::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Made", body = ContactBody)),
    extensions(("x-problems" = json!([Code::IdentityTaken]))),
)]
pub(crate) async fn create(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    body: Once<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, attempt) = body.into_parts();
    let new = body.check()?;
    let mut tx = match attempt.begin(&state, &allow).await? {
        Begun::First(tx) => tx,
        Begun::Again(answer) => return Ok(answer),
    };
    let outcome = create_contact(allow.permit(), &mut *tx, new, &*state.identity.clock).await;
    tx.created(outcome.map(ContactBody::from)).await
}

impl CreateBody {
    fn check(self) -> Result<CreateContact, Problem> {
        let mut validation = Validation::default();
        let name = self.display_name.map(|name| validation.field("/display_name", ContactName::parse(&name)));
        if self.identities.len() > MAX_IDENTITIES {
            let detail = format!("must be {MAX_IDENTITIES} at most");
            validation.note(FieldError::at("/identities", "invalid", detail));
        }
        let identities = self.identities.iter().enumerate().filter_map(|(at, given)| {
            let key = IdentityKey::given(given.kind.into(), &given.value);
            let member = if key == Err(InvalidIdentity::Kind) { "kind" } else { "value" };
            validation.field(&format!("/identities/{at}/{member}"), key)
        });
        let identities = identities.collect();
        let attributes = validation.field("/attributes", Attributes::new(self.attributes));
        let language = self.language.map(|language| validation.field("/language", Language::parse(&language)));
        match attributes {
            Some(attributes) if validation.is_clean() => Ok(CreateContact {
                name: name.flatten(),
                identities,
                attributes,
                language: language.flatten(),
                marketing_consent: self.marketing_consent.into(),
            }),
            _ => Err(validation.into_problem()),
        }
    }
}

impl From<CreateContactError> for Problem {
    fn from(error: CreateContactError) -> Self {
        let mut validation = Validation::default();
        match error {
            CreateContactError::NothingKnown => {
                validation.note(FieldError::at("", "missing", "a display_name or an identity is required"));
                validation.into_problem()
            }
            CreateContactError::Repeated { at } => {
                validation.note(FieldError::at(format!("/identities/{at}"), "duplicate", "is given twice"));
                validation.into_problem()
            }
            CreateContactError::Taken { at } => {
                validation.note(FieldError::at(format!("/identities/{at}"), "taken", "leads to another contact"));
                validation.into_problem_of(Code::IdentityTaken)
            }
            CreateContactError::Store(error) => error.into(),
        }
    }
}
