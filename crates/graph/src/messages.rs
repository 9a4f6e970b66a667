use async_trait::async_trait;
use outbound::{CallOutcome, Credentials, MessagingApi};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use crate::GraphClient;
use crate::answer::{Answer, CallFailure};

/// The answer to a message, or to a read receipt.
#[derive(Deserialize)]
struct AcceptedBody {
    #[serde(default)]
    messages: Vec<MessageBody>,
    #[serde(default)]
    contacts: Vec<ContactBody>,
    #[serde(default)]
    success: bool,
}

#[derive(Deserialize)]
struct MessageBody {
    id: String,
}

#[derive(Deserialize)]
struct ContactBody {
    wa_id: Option<String>,
}

#[async_trait]
impl MessagingApi for GraphClient {
    async fn post_message(&self, credentials: &Credentials, body: &str) -> CallOutcome {
        let url = self.url(&[&credentials.phone_number_id, "messages"]);
        let request = self
            .post_request(url, &credentials.access_token)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body.to_owned());
        let outcome = self.call(request, &credentials.access_token).await.and_then(|answer| accepted(&answer));
        outcome.unwrap_or_else(CallOutcome::from)
    }
}

fn accepted(answer: &Answer) -> Result<CallOutcome, CallFailure> {
    let body: AcceptedBody = answer.json()?;
    let wamid = body.messages.into_iter().next().map(|message| message.id).filter(|id| !id.is_empty());
    if wamid.is_none() && !body.success {
        return Err(answer.unclear());
    }
    let contact = body.contacts.into_iter().next();
    Ok(CallOutcome::Accepted { wamid, wa_id: contact.and_then(|contact| contact.wa_id) })
}

impl From<CallFailure> for CallOutcome {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Refused(error) => Self::Refused(*error),
            CallFailure::NotSent(reason) => Self::NotSent(reason),
            CallFailure::Unclear { reason, http_status } => Self::Unclear { reason, http_status },
        }
    }
}

#[cfg(test)]
mod tests;
