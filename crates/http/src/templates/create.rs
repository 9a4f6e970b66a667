use actix_web::{HttpResponse, web};
use flows::{ExampleUpload, create_template_at_meta, record_created_template};
use kernel::ids::AccountId;
use kernel::{Grant as _, TemplatesWrite};
use outbound::NewTemplate;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::{access, business_account};
use super::bodies::{ParameterFormatBody, TemplateBody};
use crate::auth::Allow;
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// A template to be created at Meta.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateTemplate)]
pub(crate) struct CreateBody {
    /// A number of the business account that gets the template.
    account_id: Uuid,
    /// Lower-case letters, digits and underscores.
    #[schema(example = "order_shipped", min_length = 1, max_length = 512, pattern = "^[a-z0-9_]+$")]
    name: String,
    #[schema(example = "en_US", pattern = "^[a-z]{2,3}(_[A-Z]{2})?$")]
    language: String,
    /// Meta may choose another one.
    #[schema(example = "utility", pattern = "^(marketing|utility|authentication)$")]
    category: String,
    /// By default `named` if a parameter has a name, else `positional`.
    parameter_format: Option<ParameterFormatBody>,
    /// As Meta has them. Each parameter needs an example; that of a picture, a video or a document is `{"media_id": ...}` of a file that
    /// was uploaded here, or Meta's own `{"header_handle": [...]}`.
    #[schema(
        value_type = Vec<Object>,
        example = json!([{"type": "BODY", "text": "Your order {{1}} is on its way.", "example": {"body_text": [["4711"]]}}]),
    )]
    components: Vec<Value>,
}

/// Create a template
///
/// Meta reviews it; until then its status is `pending`. Meta's rules are checked first, as far as they are known.
#[utoipa::path(
    post,
    path = "/templates",
    operation_id = "createTemplate",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Taken by Meta", body = TemplateBody)),
    extensions(("x-problems" = json!([Code::ChannelNotReady, Code::TemplateRefused, Code::MetaUnavailable]))),
)]
pub(crate) async fn create(
    allow: Allow<TemplatesWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let account = AccountId::from_uuid(body.account_id);
    let new = body.check()?;
    if let Some(response) = guard.replay(&state, &allow).await? {
        return Ok(response);
    }
    let access = state
        .in_scope(allow.scope(), async |tx| {
            let waba_id = business_account(tx, account).await?;
            access(tx, &state, &waba_id).await
        })
        .await?;
    let upload = ExampleUpload {
        database: &*state.database,
        store: &*state.object_store,
        accounts: &*state.account_api,
        media: &*state.media_api,
    };
    let new = upload.run(allow.scope(), &access, new).await?;
    let created = create_template_at_meta(allow.permit_ref(), &*state.template_api, &access, new).await?;
    let origin = allow.origin();
    guard
        .create(&state, allow, async |permit, tx| {
            record_created_template(permit, tx, &created, origin, &*state.clock).await.map(TemplateBody::from)
        })
        .await
}

impl CreateBody {
    fn check(self) -> Result<NewTemplate, Problem> {
        let mut value = json!({
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "components": self.components,
        });
        if let Some(format) = self.parameter_format {
            value["parameter_format"] = json!(format);
        }
        Ok(NewTemplate::parse(&value)?)
    }
}
