use actix_web::{HttpResponse, web};
use crm::identity::{GivenIdentity, InvalidIdentityInput};
use crm::{Attributes, ContactName, CreateContact, CreateContactError, Language, create_contact};
use kernel::{CrmWrite, Grant as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::contacts::{ContactBody, IdentityKindBody, MarketingConsentBody};
use crate::auth::Allow;
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// Maximum number of identities of a new contact.
const MAX_IDENTITIES: usize = 20;

/// Requires a name or at least one identity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateContact, example = json!({
    "display_name": "Grace Hopper",
    "identities": [{"kind": "phone", "value": "+1 555 0100 777"}],
    "attributes": {"customer_number": "4711"},
    "language": "en",
}))]
pub(crate) struct CreateBody {
    /// 1 to 200 characters; if absent, taken from the customer's profile with their next message.
    #[schema(example = "Grace Hopper", format = "contact-name")]
    display_name: Option<String>,
    #[serde(default)]
    #[schema(max_items = 20, required = false)]
    identities: Vec<GivenIdentityBody>,
    /// Custom fields of the tenant: at most 16 KiB and 5 levels deep.
    #[serde(default)]
    #[schema(value_type = Object, required = false, example = json!({"customer_number": "4711"}))]
    attributes: Map<String, Value>,
    /// BCP 47.
    #[schema(example = "en", format = "language")]
    language: Option<String>,
    #[serde(default)]
    #[schema(required = false)]
    marketing_consent: MarketingConsentBody,
}

/// An identity of a contact. WhatsApp user ids cannot be set by clients.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GivenContactIdentity)]
pub(crate) struct GivenIdentityBody {
    /// `phone` or `username`.
    #[schema(value_type = String, pattern = "^(phone|username)$", example = "phone")]
    kind: IdentityKindBody,
    /// A phone number in any notation, or a user name. A number without its country's code is of the country of your own
    /// WhatsApp numbers, if only one of their countries has such a number.
    #[schema(example = "+1 555 0100 001", min_length = 1, max_length = 120)]
    value: String,
}

/// Create a contact
///
/// Messages from one of its phone numbers belong to this contact from now on. A phone number of another contact is
/// refused; a user name is for display only and need not be unique.
#[utoipa::path(
    post,
    path = "/crm/contacts",
    operation_id = "createContact",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Created", body = ContactBody)),
    extensions(("x-problems" = json!([Code::IdentityTaken]))),
)]
pub(crate) async fn create(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let new = body.check()?;
    guard
        .create(&state, allow, async |permit, tx| {
            create_contact(permit, tx, new, &*state.clock).await.map(ContactBody::from)
        })
        .await
}

impl CreateBody {
    fn check(self) -> Result<CreateContact, Problem> {
        let mut validation = Validation::default();
        let display_name = self.display_name.map(|name| validation.field("/display_name", ContactName::parse(&name)));
        if self.identities.len() > MAX_IDENTITIES {
            let detail = format!("must have at most {MAX_IDENTITIES} items");
            validation.add(FieldError::in_body("/identities", "invalid", detail));
        }
        let identities = self.identities.iter().enumerate().filter_map(|(at, given)| {
            let key = GivenIdentity::parse(given.kind.into(), &given.value);
            let member = if key == Err(InvalidIdentityInput::Kind) { "kind" } else { "value" };
            validation.field(&format!("/identities/{at}/{member}"), key)
        });
        let identities = identities.collect();
        let attributes = validation.field("/attributes", Attributes::new(self.attributes));
        let language = self.language.map(|language| validation.field("/language", Language::parse(&language)));
        match attributes {
            Some(attributes) if validation.is_valid() => Ok(CreateContact {
                display_name: display_name.flatten(),
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
            CreateContactError::NameOrIdentityRequired => {
                validation.add(FieldError::in_body("", "missing", "a display_name or an identity is required"));
                validation.into_problem()
            }
            CreateContactError::InvalidIdentity { at, source } => {
                validation.add(FieldError::in_body(format!("/identities/{at}/value"), "invalid", source.to_string()));
                validation.into_problem()
            }
            CreateContactError::DuplicateIdentity { at } => {
                validation.add(FieldError::in_body(format!("/identities/{at}"), "duplicate", "is given twice"));
                validation.into_problem()
            }
            CreateContactError::IdentityInUse { at } => {
                validation.add(FieldError::in_body(format!("/identities/{at}"), "taken", "belongs to another contact"));
                validation.into_problem_with(Code::IdentityTaken)
            }
            CreateContactError::Store(error) => error.into(),
        }
    }
}
