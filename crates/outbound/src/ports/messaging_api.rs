use async_trait::async_trait;
use secrecy::SecretString;
use whatsapp::GraphError;

/// What a call to Meta needs to be made for a number.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Meta's id of the number.
    pub phone_number_id: String,
    pub access_token: SecretString,
}

/// What a call to Meta's Graph API showed. It says what is known, not what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// Meta has accepted it. Not that it was delivered.
    Accepted {
        /// `messages[0].id`; `None` for read receipts, which have no id.
        wamid: Option<String>,
        /// `contacts[0].wa_id`: the number that Meta made of the one that was given.
        wa_id: Option<String>,
    },
    /// Meta answered with an error of its own.
    Refused(GraphError),
    /// Proven: no byte of the request was written (DNS, connection, TLS).
    NotSent(String),
    /// It may have been sent: a timeout, a lost connection, an answer that cannot be read. The text says which.
    Unclear {
        reason: String,
        /// Of the answer, if there was one.
        http_status: Option<u16>,
    },
}

/// Meta's Graph API, as a sender uses it. A call takes at most 30 seconds and is never repeated by the adapter.
#[async_trait]
pub trait MessagingApi: Send + Sync {
    /// Posts a JSON body to the number's `messages`.
    async fn post_message(&self, credentials: &Credentials, body: &str) -> CallOutcome;
}
