use std::time::Duration;

use async_trait::async_trait;
use outbound::{BusinessAccountAccess, TakenTemplate, TemplateApi, TemplateApiError};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use crate::GraphClient;
use crate::answer::{Answer, CallFailure};

/// Of one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
const FIELDS: &str = "id,name,language,status,category,components,parameter_format,quality_score,rejected_reason,\
    message_send_ttl_seconds";
/// Templates of a page. Components may have some KiB.
const PAGE_SIZE: &str = "100";

#[derive(Deserialize)]
struct TakenBody {
    id: String,
    status: Option<String>,
    category: Option<String>,
}

#[derive(Deserialize)]
struct SuccessBody {
    success: bool,
}

#[async_trait]
impl TemplateApi for GraphClient {
    async fn list(&self, access: &BusinessAccountAccess, name: Option<&str>) -> Result<Vec<Value>, TemplateApiError> {
        let mut url = self.url(&[&access.waba_id, "message_templates"]);
        url.query_pairs_mut().append_pair("fields", FIELDS).append_pair("limit", PAGE_SIZE);
        if let Some(name) = name {
            url.query_pairs_mut().append_pair("name", name);
        }
        let mut templates: Vec<Value> = self.pages(url, &access.access_token, PAGE_TIMEOUT).await?;
        // Meta also answers names that only begin alike.
        templates.retain(|template| name.is_none_or(|name| template["name"] == name));
        Ok(templates)
    }

    async fn create(&self, access: &BusinessAccountAccess, body: &str) -> Result<TakenTemplate, TemplateApiError> {
        let TakenBody { id, status, category } =
            self.post_json(&[&access.waba_id, "message_templates"], access, body).await?.json()?;
        Ok(TakenTemplate { meta_id: id, status, category })
    }

    async fn edit(&self, access: &BusinessAccountAccess, meta_id: &str, body: &str) -> Result<(), TemplateApiError> {
        Ok(succeeded(&self.post_json(&[meta_id], access, body).await?)?)
    }

    async fn delete(&self, access: &BusinessAccountAccess, name: &str, meta_id: &str) -> Result<(), TemplateApiError> {
        let mut url = self.url(&[&access.waba_id, "message_templates"]);
        // Without the id, the templates of this name in all languages would be deleted.
        url.query_pairs_mut().append_pair("hsm_id", meta_id).append_pair("name", name);
        Ok(succeeded(&self.call(self.delete_request(url, &access.access_token), &access.access_token).await?)?)
    }
}

impl GraphClient {
    async fn post_json(
        &self,
        path: &[&str],
        access: &BusinessAccountAccess,
        body: &str,
    ) -> Result<Answer, CallFailure> {
        let json = HeaderValue::from_static("application/json");
        let request = self.post_request(self.url(path), &access.access_token).header(CONTENT_TYPE, json);
        self.call(request.body(body.to_owned()), &access.access_token).await
    }
}

fn succeeded(answer: &Answer) -> Result<(), CallFailure> {
    let SuccessBody { success } = answer.json()?;
    if success { Ok(()) } else { Err(answer.unclear()) }
}

impl From<CallFailure> for TemplateApiError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Refused(error) => Self::Refused(*error),
            CallFailure::NotSent(reason) | CallFailure::Unclear { reason, .. } => Self::Silent(reason),
        }
    }
}

#[cfg(test)]
mod tests;
