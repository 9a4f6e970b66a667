use actix_web::web;
use crm::{MergeContacts, MergeContactsError};
use flows::merge_contacts;
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contacts::ContactBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MergeContact)]
pub(crate) struct MergeBody {
    /// The contact to merge into the one in the path; it is removed.
    contact_id: Uuid,
    /// Version of the contact in the path, as last read; if absent, not checked.
    version: Option<i64>,
    /// Version of the contact to remove; if absent, not checked.
    contact_version: Option<i64>,
}

/// Merge two contacts
///
/// Moves identities, conversations, messages and interactions of the contact in the body to the contact in the path.
/// Two open conversations with the same number become one. The contact in the path gets name, language and attributes
/// that it lacks; the most recent marketing consent counts. If its attributes would exceed their limit, the merge is
/// refused. The id of the removed contact resolves to the contact in the path.
#[utoipa::path(
    post,
    path = "/crm/contacts/{id}/merge",
    operation_id = "mergeContact",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The id of the contact to keep")),
    request_body = MergeBody,
    responses((status = 200, description = "The merged contact", body = ContactBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::SameContact, Code::StaleVersion, Code::TooManyAttributes]))),
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
    let found = state
        .in_tenant(allow, async |permit, tx| merge_contacts(permit, tx, merge, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

impl From<MergeContactsError> for Problem {
    fn from(error: MergeContactsError) -> Self {
        match error {
            MergeContactsError::NotFound => Self::not_found(),
            MergeContactsError::SourceNotFound => {
                let mut validation = Validation::default();
                validation.add(FieldError::in_body("/contact_id", "unknown", "does not exist"));
                validation.into_problem()
            }
            MergeContactsError::SameContact => Self::new(Code::SameContact),
            MergeContactsError::TooManyAttributes => Self::new(Code::TooManyAttributes),
            MergeContactsError::VersionConflict => Self::new(Code::StaleVersion),
            MergeContactsError::Store(error) => error.into(),
        }
    }
}
