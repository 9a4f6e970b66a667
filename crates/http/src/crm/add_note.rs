use actix_web::{HttpResponse, web};
use crm::{NoteText, add_note};
use kernel::ids::ContactId;
use kernel::{CrmWrite, Grant as _};
use serde::Deserialize;
use utoipa::ToSchema;

use super::interactions::InteractionBody;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateNote)]
pub(crate) struct NoteBody {
    /// 1 to 4,000 characters; may have several lines.
    #[schema(example = "Called about the invoice; will pay on Friday.", format = "note")]
    text: String,
}

/// Add a note
///
/// Adds a note to the contact's interactions, with the caller as its author.
#[utoipa::path(
    post,
    path = "/crm/contacts/{id}/interactions",
    operation_id = "createInteraction",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id"), IdempotencyHeader),
    request_body = NoteBody,
    responses((status = 201, description = "Added", body = InteractionBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn add(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(contact): PathId<ContactId>,
    body: IdempotentJson<NoteBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let mut validation = Validation::default();
    let Some(text) = validation.field("/text", NoteText::parse(&body.text)) else {
        return Err(validation.into_problem());
    };
    guard
        .create(&state, allow, async |permit, tx| {
            let note = add_note(permit, tx, contact, text, &*state.clock).await?;
            note.map(InteractionBody::from).ok_or_else(Problem::not_found)
        })
        .await
}
