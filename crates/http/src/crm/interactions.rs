use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{Interaction, InteractionKind, Titled};
use kernel::ids::{ApiKeyId, ContactId, MessageId, UserId};
use kernel::{Actor, CrmRead, Grant as _};
use serde::Serialize;
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

closed_set!(
    /// What an interaction describes.
    InteractionKindBody = InteractionKind,
    "InteractionKind"
);

/// One entry of a contact's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Interaction)]
pub(crate) struct InteractionBody {
    id: Uuid,
    contact_id: Uuid,
    /// Who the contact is: the name, else the WhatsApp user name, else the number as people write it, else `Unknown`.
    #[schema(example = "Grace Hopper")]
    title: String,
    /// More may come.
    kind: InteractionKindBody,
    /// Preview text; for a note, the full text.
    #[schema(example = "Hello, is my order on its way?")]
    text: String,
    /// The user who caused it, if any.
    #[schema(required)]
    actor_id: Option<Uuid>,
    /// The API key that caused it, if any.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// The message that it is about, if it is stored: also of a reaction, an edit or a deletion.
    #[schema(required)]
    message_id: Option<Uuid>,
    occurred_at: DateTime<Utc>,
}

/// List a contact's interactions
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/crm/contacts/{id}/interactions",
    operation_id = "listInteractions",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id"), PageQuery),
    responses((status = 200, description = "A page of interactions", body = PageBody<InteractionBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::NotFound]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(contact): PathId<ContactId>,
    listing: Listing,
) -> Result<web::Json<PageBody<InteractionBody>>, Problem> {
    state
        .list(allow, ListKind::Interactions(contact), &listing.page, async |permit, tx, page| {
            crm::interactions(permit, tx, contact, page).await?.ok_or_else(Problem::not_found)
        })
        .await
}

impl From<Titled<Interaction>> for InteractionBody {
    fn from(Titled { row: interaction, contact_title }: Titled<Interaction>) -> Self {
        Self {
            id: interaction.id.as_uuid(),
            contact_id: interaction.contact.as_uuid(),
            title: contact_title,
            kind: interaction.kind.into(),
            text: interaction.text,
            actor_id: interaction.actor.and_then(Actor::user).map(UserId::as_uuid),
            api_key_id: interaction.actor.and_then(Actor::api_key).map(ApiKeyId::as_uuid),
            message_id: interaction.message.map(MessageId::as_uuid),
            occurred_at: interaction.occurred_at,
        }
    }
}
