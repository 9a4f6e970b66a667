use actix_web::{HttpResponse, web};
use crm::DeleteContactError;
use flows::delete_contact;
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};

use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Delete a contact
///
/// Deletes the contact with all identities, conversations, messages and interactions, permanently; messages that
/// WhatsApp delivers again are not restored. Stored payloads from Meta that name the contact are deleted, too. The contact
/// is invisible at once; if it has many messages, they are deleted within the next minutes. Usage counts are kept, and the
/// deletion is in the audit log. API keys cannot delete contacts. A later message from the same number creates a new contact.
#[utoipa::path(
    delete,
    path = "/crm/contacts/{id}",
    operation_id = "deleteContact",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id, or the id of a contact that was merged into it")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound, Code::UsersOnly]))),
)]
pub(crate) async fn delete(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ContactId>,
) -> Result<HttpResponse, Problem> {
    allow.require_user()?;
    let origin = allow.origin();
    state.in_tenant(allow, async |permit, tx| delete_contact(permit, tx, id, origin, &*state.clock).await).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<DeleteContactError> for Problem {
    fn from(error: DeleteContactError) -> Self {
        match error {
            DeleteContactError::NotFound => Self::not_found(),
            DeleteContactError::Store(error) => error.into(),
        }
    }
}
