use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use whatsapp::GraphError;

use crate::MetaId;

/// Meta's Graph API, as far as it tells of tokens, numbers and business accounts. Each call is made once, with the token that it
/// asks about.
#[async_trait]
pub trait AccountApi: Send + Sync {
    /// What Meta knows of the token.
    async fn token(&self, token: &SecretString) -> Result<TokenFacts, AccountApiError>;
    /// The number, as the token shows it.
    async fn number(&self, token: &SecretString, number: &MetaId) -> Result<NumberFacts, AccountApiError>;
    /// Meta's ids of all numbers of a business account.
    async fn numbers(&self, token: &SecretString, waba: &MetaId) -> Result<Vec<String>, AccountApiError>;
    async fn business_account(
        &self,
        token: &SecretString,
        waba: &MetaId,
    ) -> Result<BusinessAccountFacts, AccountApiError>;
    /// Meta's ids of the apps that get the webhooks of the business account.
    async fn subscribed_apps(&self, token: &SecretString, waba: &MetaId) -> Result<Vec<String>, AccountApiError>;
}

/// Why Meta did not tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountApiError {
    /// An error of the Graph API.
    #[error("Meta refused: {}", .0.title)]
    Refused(Box<GraphError>),
    /// No answer, or one that cannot be read. It says nothing about the account.
    #[error("Meta did not answer: {0}")]
    Silent(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    pub is_valid: bool,
    /// Why it is not valid, in Meta's words.
    pub error: Option<String>,
    /// `None`: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    pub scopes: Vec<String>,
    /// The business accounts that it was granted for; `None` if the grant names none.
    pub waba_ids: Option<Vec<String>>,
    /// The app that it was made for.
    pub app_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFacts {
    /// Meta's id, which is that of the request.
    pub id: String,
    /// Whether it is registered with the Cloud API; `None` if Meta does not say.
    pub is_registered: Option<bool>,
    /// Such as `APPROVED`, of its display name.
    pub name_status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<String>,
    /// Such as `STANDARD` or `HIGH`.
    pub throughput: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusinessAccountFacts {
    /// Whether it may send: `AVAILABLE`, `LIMITED` or `BLOCKED`; else the status of its review.
    pub status: Option<String>,
}
