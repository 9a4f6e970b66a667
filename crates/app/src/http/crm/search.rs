use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{ContactMatch, Found, FoundMessage, SearchQuery};
use flows::settle;
use kernel::ids::ConversationId;
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contacts::ContactBody;
use super::message_parts::DirectionBody;
use super::search_query::SearchParameters;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::{LimitParameter, Query};
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResults)]
pub(crate) struct ResultsBody {
    data: Vec<FoundBody>,
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResult)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum FoundBody {
    Contact {
        /// What of them.
        by: ContactMatchBody,
        contact: ContactBody,
    },
    Message {
        message: FoundMessageBody,
    },
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactMatch)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ContactMatchBody {
    Phone,
    Name,
    Username,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundMessage)]
pub(crate) struct FoundMessageBody {
    id: Uuid,
    /// Null for one in a group.
    #[schema(required)]
    conversation_id: Option<Uuid>,
    contact_id: Uuid,
    #[schema(example = "Grace Hopper")]
    contact_display_name: String,
    direction: DirectionBody,
    #[schema(example = "Hello, is my order on its way?")]
    text: String,
    provider_timestamp: DateTime<Utc>,
}

/// Search contacts and messages
///
/// The best first: the contact with this phone number, contacts whose number, name or user name begins with it, whose name has
/// words that begin with its words, then messages with all its words, latest first; of a last word of three letters or more the
/// beginning is enough. Case, accents and punctuation do not matter; nothing in it has a meaning of its own. Where both
/// are found, contacts take half of the places at most.
#[utoipa::path(
    get,
    path = "/crm/search",
    operation_id = "search",
    tag = tag::CRM,
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
        let error = FieldError::of("q", "invalid", error.to_string());
        Problem::new(Code::InvalidQuery).with_detail("The query parameter \"q\" is wrong.").with_errors(vec![error])
    })?;
    let limit = parameters.limit.map(LimitParameter::get).unwrap_or_default();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = crm::search(allow.permit(), &mut *tx, &query, limit).await;
    let data = settle(tx, outcome).await?.into_iter().map(FoundBody::from).collect();
    Ok(web::Json(ResultsBody { data }))
}

impl From<Found> for FoundBody {
    fn from(found: Found) -> Self {
        match found {
            Found::Contact(found) => Self::Contact {
                by: match found.by {
                    ContactMatch::Phone => ContactMatchBody::Phone,
                    ContactMatch::Name => ContactMatchBody::Name,
                    ContactMatch::Username => ContactMatchBody::Username,
                },
                contact: found.contact.into(),
            },
            Found::Message(message) => Self::Message { message: message.into() },
        }
    }
}

impl From<FoundMessage> for FoundMessageBody {
    fn from(message: FoundMessage) -> Self {
        Self {
            id: message.id.as_uuid(),
            conversation_id: message.conversation.map(ConversationId::as_uuid),
            contact_id: message.contact.as_uuid(),
            contact_display_name: message.contact_display_name,
            direction: message.direction.into(),
            text: message.text,
            provider_timestamp: message.provider_timestamp,
        }
    }
}
