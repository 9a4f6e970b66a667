use actix_web::web;
use crm::{MergeContacts, MergeContactsError};
use flows::{merge_contacts, settle};
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contacts::ContactBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::{Json, PathId};
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MergeContact)]
pub(crate) struct MergeBody {
    /// The contact whose everything goes to the one in the path.
    contact_id: Uuid,
    /// The version of the one in the path, as it was last read; missing: whatever it is.
    version: Option<i64>,
    /// The version of the one that goes, likewise.
    contact_version: Option<i64>,
}

/// Merge two contacts
///
/// Identities, conversations, messages and interactions of the contact in the body go to the one in the path. Of two open
/// conversations with the same number one is made. What the one that stays does not have itself (a name, a language,
/// attributes) it takes from the other; the latest word on marketing messages counts. The id of the contact that goes leads to
/// the one that stays.
#[utoipa::path(
    post,
    path = "/crm/contacts/{id}/merge",
    operation_id = "mergeContact",
    tag = tag::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The id of the contact that stays")),
    request_body = MergeBody,
    responses((status = 200, description = "The contact that both are now", body = ContactBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::SameContact, Code::StaleVersion]))),
)]
pub(crate) async fn merge(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(into): PathId<ContactId>,
    body: Json<MergeBody>,
) -> Result<web::Json<ContactBody>, Problem> {
    let merge = MergeContacts {
        into,
        from: ContactId::from_uuid(body.contact_id),
        version: body.version,
        from_version: body.contact_version,
    };
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = merge_contacts(allow.permit(), &mut *tx, merge, origin, &*state.identity.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

impl From<MergeContactsError> for Problem {
    fn from(error: MergeContactsError) -> Self {
        match error {
            MergeContactsError::NotFound => Self::new(Code::NotFound),
            MergeContactsError::UnknownContact => {
                let mut validation = Validation::default();
                validation.note(FieldError::at("/contact_id", "unknown", "is no contact"));
                validation.into_problem()
            }
            MergeContactsError::SameContact => Self::new(Code::SameContact),
            MergeContactsError::Stale => Self::new(Code::StaleVersion),
            MergeContactsError::Store(error) => error.into(),
        }
    }
}
