use actix_web::web;
use chrono::{DateTime, Utc};
use crm::identity::{Identity, IdentityKind};
use crm::{Contact, MarketingConsent};
use kernel::ids::ContactId;
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Allow;
use crate::closed_set::closed_set;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactBody {
    id: Uuid,
    /// From the customer's WhatsApp profile, or set by a user; may be empty.
    #[schema(example = "Grace Hopper")]
    display_name: String,
    /// Who it is: the name, else the WhatsApp user name, else the number as people write it, else `Unknown`.
    #[schema(example = "Grace Hopper")]
    title: String,
    identities: Vec<IdentityBody>,
    /// Custom fields of the tenant.
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    /// BCP 47.
    #[schema(required, example = "en")]
    language: Option<String>,
    marketing_consent: MarketingConsentBody,
    /// The identities are contradictory; a user should review the contact.
    needs_review: bool,
    version: i64,
    created_at: DateTime<Utc>,
}

/// An identity of a contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactIdentity)]
pub(crate) struct IdentityBody {
    kind: IdentityKindBody,
    #[schema(example = "15550100001")]
    value: String,
    /// False for a former identity; messages from it still resolve to the contact.
    current: bool,
}

closed_set!(IdentityKindBody = IdentityKind, "ContactIdentityKind");
closed_set!(MarketingConsentBody = MarketingConsent, "MarketingConsent");

impl Default for MarketingConsentBody {
    fn default() -> Self {
        MarketingConsent::Unknown.into()
    }
}

/// List contacts
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/crm/contacts",
    operation_id = "listContacts",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of contacts", body = PageBody<ContactBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<ContactBody>>, Problem> {
    state
        .list(allow, ListKind::Contacts, &listing.page, async |permit, tx, page| crm::contacts(permit, tx, page).await)
        .await
}

/// Read a contact
///
/// The id of a merged contact resolves to the contact that it was merged into.
#[utoipa::path(
    get,
    path = "/crm/contacts/{id}",
    operation_id = "readContact",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id")),
    responses((status = 200, description = "The contact", body = ContactBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<ContactId>,
) -> Result<web::Json<ContactBody>, Problem> {
    let contact = state
        .in_tenant(allow, async |permit, tx| crm::contact(permit, tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(contact.into()))
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        let title = contact.title();
        // All fields by name: a new one cannot be forgotten.
        let Contact {
            id,
            display_name,
            identities,
            attributes,
            language,
            marketing_consent,
            needs_review,
            version,
            created_at,
        } = contact;
        Self {
            id: id.as_uuid(),
            display_name,
            title,
            identities: deduplicated(identities),
            attributes,
            language,
            marketing_consent: marketing_consent.into(),
            needs_review,
            version,
            created_at,
        }
    }
}

/// Each identity once: the same user id may be stored for several accounts.
fn deduplicated(identities: Vec<Identity>) -> Vec<IdentityBody> {
    let mut deduplicated: Vec<IdentityBody> = Vec::new();
    for body in identities.into_iter().map(IdentityBody::from) {
        match deduplicated.iter_mut().find(|other| other.kind == body.kind && other.value == body.value) {
            Some(other) => other.current |= body.current,
            None => deduplicated.push(body),
        }
    }
    deduplicated
}

impl From<Identity> for IdentityBody {
    fn from(identity: Identity) -> Self {
        Self { kind: identity.key.kind.into(), value: identity.key.value, current: identity.current }
    }
}
