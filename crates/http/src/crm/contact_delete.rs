use actix_web::{HttpResponse, web};
use crm::DeleteContactError;
use flows::{delete_contact, settle};
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};

use crate::State;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::openapi::tag;
use crate::problem::{Code, Problem};

/// Delete a contact
///
/// Deletes the contact with all identities, conversations, messages and interactions, permanently; messages that
/// WhatsApp delivers again are not restored. Usage counts are kept, and the deletion is in the audit log. Payloads from
/// Meta are kept until the deployment's retention period ends. A later message from the same number creates a new
/// contact.
#[utoipa::path(
    delete,
    path = "/crm/contacts/{id}",
    operation_id = "deleteContact",
    tag = tag::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id, or the id of a contact that was merged into it")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn delete(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ContactId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = delete_contact(allow.permit(), &mut *tx, id, origin, &*state.clock).await;
    settle(tx, outcome).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<DeleteContactError> for Problem {
    fn from(error: DeleteContactError) -> Self {
        match error {
            DeleteContactError::NotFound => Self::new(Code::NotFound),
            DeleteContactError::Store(error) => error.into(),
        }
    }
}
