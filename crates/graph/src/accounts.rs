use std::time::Duration;

use async_trait::async_trait;
use channels::{AccountApi, AccountApiError, BusinessAccountFacts, MetaId, NumberFacts, TokenFacts};
use chrono::{DateTime, Utc};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::GraphClient;
use crate::answer::CallFailure;

/// People wait for these answers.
const TIMEOUT: Duration = Duration::from_secs(10);
const NUMBER_FIELDS: &str =
    "id,display_phone_number,verified_name,name_status,quality_rating,throughput,status,platform_type";
const BUSINESS_ACCOUNT_FIELDS: &str = "id,name,account_review_status,health_status";

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct TokenBody {
    is_valid: bool,
    error: Option<TokenErrorBody>,
    /// In Unix seconds; 0 if it does not expire.
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    granular_scopes: Vec<GranularScope>,
    app_id: Option<String>,
}

#[derive(Deserialize)]
struct TokenErrorBody {
    message: Option<String>,
}

#[derive(Deserialize)]
struct GranularScope {
    scope: String,
    /// Business accounts. Absent if the scope is not limited.
    target_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct NumberBody {
    id: String,
    name_status: Option<String>,
    quality_rating: Option<String>,
    throughput: Option<ThroughputBody>,
    status: Option<String>,
    platform_type: Option<String>,
}

#[derive(Deserialize)]
struct ThroughputBody {
    level: Option<String>,
}

#[derive(Deserialize)]
struct IdBody {
    id: String,
}

#[derive(Deserialize)]
struct BusinessAccountBody {
    account_review_status: Option<String>,
    health_status: Option<HealthBody>,
}

#[derive(Deserialize)]
struct HealthBody {
    can_send_message: Option<String>,
}

#[derive(Deserialize)]
struct SubscribedAppBody {
    whatsapp_business_api_data: Option<IdBody>,
}

#[async_trait]
impl AccountApi for GraphClient {
    async fn token(&self, token: &SecretString) -> Result<TokenFacts, AccountApiError> {
        let mut url = self.url(&["debug_token"]);
        url.query_pairs_mut().append_pair("input_token", token.expose_secret());
        let Data::<TokenBody> { data } = self.read(url, token).await?;
        Ok(data.into())
    }

    async fn number(&self, token: &SecretString, number: &MetaId) -> Result<NumberFacts, AccountApiError> {
        let mut url = self.url(&[number.as_str()]);
        url.query_pairs_mut().append_pair("fields", NUMBER_FIELDS);
        let body: NumberBody = self.read(url, token).await?;
        Ok(body.into())
    }

    async fn numbers(&self, token: &SecretString, waba: &MetaId) -> Result<Vec<String>, AccountApiError> {
        let mut url = self.url(&[waba.as_str(), "phone_numbers"]);
        url.query_pairs_mut().append_pair("fields", "id").append_pair("limit", "100");
        let numbers: Vec<IdBody> = self.pages(url, token, TIMEOUT).await?;
        Ok(numbers.into_iter().map(|number| number.id).collect())
    }

    async fn business_account(
        &self,
        token: &SecretString,
        waba: &MetaId,
    ) -> Result<BusinessAccountFacts, AccountApiError> {
        let mut url = self.url(&[waba.as_str()]);
        url.query_pairs_mut().append_pair("fields", BUSINESS_ACCOUNT_FIELDS);
        let body: BusinessAccountBody = self.read(url, token).await?;
        let health = body.health_status.and_then(|health| health.can_send_message);
        Ok(BusinessAccountFacts { status: health.or(body.account_review_status) })
    }

    async fn subscribed_apps(&self, token: &SecretString, waba: &MetaId) -> Result<Vec<String>, AccountApiError> {
        let url = self.url(&[waba.as_str(), "subscribed_apps"]);
        let apps: Vec<SubscribedAppBody> = self.pages(url, token, TIMEOUT).await?;
        Ok(apps.into_iter().filter_map(|app| app.whatsapp_business_api_data).map(|app| app.id).collect())
    }
}

impl GraphClient {
    async fn read<T: DeserializeOwned>(&self, url: Url, token: &SecretString) -> Result<T, AccountApiError> {
        Ok(self.get_json(url, token, TIMEOUT).await?)
    }
}

impl From<CallFailure> for AccountApiError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Refused(error) => Self::Refused(error),
            CallFailure::NotSent(reason) | CallFailure::Unclear { reason, .. } => Self::Silent(reason),
        }
    }
}

impl From<TokenBody> for TokenFacts {
    fn from(body: TokenBody) -> Self {
        let expires_at = Some(body.expires_at).filter(|at| *at > 0);
        let granted =
            body.granular_scopes.into_iter().filter(|granted| granted.scope.starts_with("whatsapp_business_"));
        let targets: Vec<Option<Vec<String>>> = granted.map(|granted| granted.target_ids).collect();
        // Unlimited if one of the scopes is.
        let waba_ids: Option<Vec<Vec<String>>> = targets.into_iter().collect();
        Self {
            is_valid: body.is_valid,
            error: body.error.and_then(|error| error.message),
            expires_at: expires_at.and_then(|at| DateTime::<Utc>::from_timestamp(at, 0)),
            scopes: body.scopes,
            waba_ids: waba_ids.map(|ids| ids.concat()).filter(|ids| !ids.is_empty()),
            app_id: body.app_id,
        }
    }
}

impl From<NumberBody> for NumberFacts {
    fn from(body: NumberBody) -> Self {
        Self {
            is_registered: is_registered(body.platform_type.as_deref(), body.status.as_deref()),
            id: body.id,
            name_status: body.name_status,
            quality: body.quality_rating,
            throughput: body.throughput.and_then(|throughput| throughput.level),
        }
    }
}

/// `platform_type` is `NOT_APPLICABLE` for a number that no platform has; `status` says whether it is connected.
fn is_registered(platform: Option<&str>, status: Option<&str>) -> Option<bool> {
    match (platform, status) {
        (Some("NOT_APPLICABLE" | "ON_PREMISE"), _)
        | (_, Some("PENDING" | "DISCONNECTED" | "DELETED" | "MIGRATED" | "UNVERIFIED")) => Some(false),
        (Some("CLOUD_API"), _) | (_, Some("CONNECTED" | "FLAGGED" | "RESTRICTED" | "RATE_LIMITED")) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
