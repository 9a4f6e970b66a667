use chrono::{DateTime, Utc};
use outbound::template::{ParameterFormat, TemplateParameter};
use outbound::{StoredTemplate, TemplateCategory, TemplateQuality, TemplateStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::closed_set::closed_set;

closed_set!(
    /// What Meta says of a template. `approved` and `flagged` ones can be sent.
    TemplateStatusBody = TemplateStatus,
    "TemplateStatus"
);
closed_set!(
    /// What a template is for. It decides the price.
    TemplateCategoryBody = TemplateCategory,
    "TemplateCategory"
);
closed_set!(
    /// What customers think of a template, by Meta's measure.
    TemplateQualityBody = TemplateQuality,
    "TemplateQuality"
);
closed_set!(
    /// Whether parameters are numbered or named.
    ParameterFormatBody = ParameterFormat,
    "TemplateParameterFormat"
);

/// A message template in one language, as Meta has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub(crate) struct TemplateBody {
    id: Uuid,
    /// A number that can send it: any of the business account. Null if none is connected any more.
    #[schema(required)]
    account_id: Option<Uuid>,
    /// Meta's id of the business account.
    #[schema(example = "102290129340398")]
    waba_id: String,
    /// Meta's id of the template in this language.
    #[schema(example = "594425479261596")]
    meta_id: String,
    #[schema(example = "order_shipped")]
    name: String,
    #[schema(example = "en_US")]
    language: String,
    category: TemplateCategoryBody,
    status: TemplateStatusBody,
    quality: TemplateQualityBody,
    /// Meta's word, such as `INVALID_FORMAT`; null if it is not rejected.
    #[schema(required, example = "INVALID_FORMAT")]
    rejection_reason: Option<String>,
    parameter_format: ParameterFormatBody,
    /// As Meta has them.
    #[schema(value_type = Vec<Object>, example = json!([{"type": "BODY", "text": "Your order {{1}} is on its way."}]))]
    components: Value,
    /// What a message has to fill.
    parameters: Vec<ParameterBody>,
    /// When Meta was last asked.
    synced_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// A gap of a template.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateParameter)]
pub(crate) struct ParameterBody {
    /// `header`, `body`, `buttons`, or the same of a card: `cards/0/body`.
    #[schema(example = "body")]
    r#where: String,
    /// Number or name of the gap, the kind of a file, `location`, or the position of a button.
    #[schema(example = "1")]
    name: String,
    /// What Meta was shown for review.
    #[schema(required, example = "4711")]
    example: Option<String>,
}

impl From<StoredTemplate> for TemplateBody {
    fn from(stored: StoredTemplate) -> Self {
        let parameters = stored.template.parameters().into_iter().map(ParameterBody::from).collect();
        let template = stored.template;
        Self {
            id: stored.id.as_uuid(),
            account_id: stored.account.map(kernel::ids::AccountId::as_uuid),
            waba_id: stored.waba_id,
            meta_id: template.meta_id,
            name: template.name,
            language: template.language.as_str().to_owned(),
            category: template.category.into(),
            status: template.status.into(),
            quality: template.quality.into(),
            rejection_reason: template.rejection_reason,
            parameter_format: template.format.into(),
            components: template.components,
            parameters,
            synced_at: stored.synced_at,
            created_at: stored.created_at,
        }
    }
}

impl From<TemplateParameter> for ParameterBody {
    fn from(parameter: TemplateParameter) -> Self {
        Self { r#where: parameter.place, name: parameter.name, example: parameter.example }
    }
}
