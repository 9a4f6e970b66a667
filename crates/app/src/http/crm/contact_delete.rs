use actix_web::{HttpResponse, web};
use crm::DeleteContactError;
use flows::{delete_contact, settle};
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::PathId;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

/// Delete a contact
///
/// With all identities, conversations, messages and interactions: nothing of them can be brought back, and what was said until
/// now does not come back by itself, either, if WhatsApp tells it again. Counts of usage stay, and the audit log says that
/// it was done. What Meta sent is kept as long as the deployment keeps deliveries. Whoever writes later is a new contact.
#[utoipa::path(
    delete,
    path = "/crm/contacts/{id}",
    operation_id = "deleteContact",
    tag = tag::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id, or that of one that was merged into it")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn delete(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ContactId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = delete_contact(allow.permit(), &mut *tx, id, origin, &*state.identity.clock).await;
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
