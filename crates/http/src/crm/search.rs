use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{ContactMatch, MessageHit, SearchHit, SearchQuery};
use kernel::ids::ConversationId;
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contacts::ContactBody;
use super::message_parts::DirectionBody;
use super::search_query::SearchParameters;
use crate::auth::Allow;
use crate::closed_set::closed_set;
use crate::extract::{LimitParameter, Query};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResults)]
pub(crate) struct ResultsBody {
    data: Vec<FoundBody>,
}

/// A search result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResult)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum FoundBody {
    Contact {
        /// The matching property.
        by: ContactMatchBody,
        contact: ContactBody,
    },
    Message {
        message: FoundMessageBody,
    },
}

closed_set!(ContactMatchBody = ContactMatch, "ContactMatch");

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundMessage)]
pub(crate) struct FoundMessageBody {
    id: Uuid,
    /// Null for a group message.
    #[schema(required)]
    conversation_id: Option<Uuid>,
    contact_id: Uuid,
    #[schema(example = "Grace Hopper")]
    contact_display_name: String,
    /// Who the contact is: the name, else the WhatsApp user name, else the number as people write it, else `Unknown`.
    #[schema(example = "Grace Hopper")]
    title: String,
    direction: DirectionBody,
    /// The first 1,000 characters.
    #[schema(example = "Hello, is my order on its way?")]
    text: String,
    provider_timestamp: DateTime<Utc>,
}

/// Search contacts and messages
///
/// Best match first: the contact with this phone number; contacts whose number, name or user name starts with the
/// query, or whose number ends with it if it has no country code and six digits or more; contacts whose name has words
/// that start with its words; then messages with all its words, newest first. A last word of three or more letters also
/// matches as a prefix. Chinese, Japanese, Thai, Lao, Burmese, Khmer and Korean words are found inside a text without
/// spaces. Case, accents, punctuation and ways to type a letter (`ł`, `ß`, full-width letters, Arabic vowel marks) are
/// ignored; there are no operators. If messages match, contacts take at most half of the results.
#[utoipa::path(
    get,
    path = "/crm/search",
    operation_id = "search",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(SearchParameters),
    responses((status = 200, description = "What was found", body = ResultsBody)),
)]
pub(crate) async fn search(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    Query(parameters): Query<SearchParameters>,
) -> Result<web::Json<ResultsBody>, Problem> {
    let query = SearchQuery::parse(&parameters.q).map_err(|error| {
        let error = FieldError::in_query("q", "invalid", error.to_string());
        Problem::new(Code::InvalidQuery).with_detail("The query parameter \"q\" is invalid.").with_errors(vec![error])
    })?;
    let _read = state.limits.expensive_read(allow.scope()).await?;
    let limit = parameters.limit.map(LimitParameter::get).unwrap_or_default();
    let data = state
        .in_tenant(allow, async |permit, tx| crm::search(permit, tx, &query, limit).await)
        .await?
        .into_iter()
        .map(FoundBody::from)
        .collect();
    Ok(web::Json(ResultsBody { data }))
}

impl From<SearchHit> for FoundBody {
    fn from(found: SearchHit) -> Self {
        match found {
            SearchHit::Contact(found) => Self::Contact { by: found.by.into(), contact: found.contact.into() },
            SearchHit::Message(message) => Self::Message { message: message.into() },
        }
    }
}

impl From<MessageHit> for FoundMessageBody {
    fn from(message: MessageHit) -> Self {
        Self {
            id: message.id.as_uuid(),
            conversation_id: message.conversation.map(ConversationId::as_uuid),
            contact_id: message.contact.as_uuid(),
            contact_display_name: message.contact_display_name,
            title: message.contact_title,
            direction: message.direction.into(),
            text: message.text,
            provider_timestamp: message.provider_timestamp,
        }
    }
}
