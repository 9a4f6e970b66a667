use actix_web::http::StatusCode;
use actix_web::web;
use flows::{ProvisionError, provision_tenant};
use tokens::ScopeGrant as _;
use tokens::scope::TenantsWrite;

use super::bodies::CreateBody;
use crate::http::State;
use crate::http::extract::Json;
use crate::http::iam::bodies::TenantBody;
use crate::http::openapi::tag;
use crate::http::operators::Operate;
use crate::http::problem::{Code, FieldError, Problem};

/// Make a tenant
///
/// With its system roles, and its first user as owner: all or nothing.
#[utoipa::path(
    post,
    path = "/tenants",
    operation_id = "createTenant",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [TenantsWrite::SCOPE])),
    request_body = CreateBody,
    responses((status = 201, description = "Made", body = TenantBody)),
    extensions(("x-problems" = json!([Code::SlugTaken, Code::WeakPassword, Code::Busy]))),
)]
pub(crate) async fn create(
    operate: Operate<TenantsWrite>,
    state: web::Data<State>,
    body: Json<CreateBody>,
) -> Result<(web::Json<TenantBody>, StatusCode), Problem> {
    let input = body.into_inner().check()?;
    let tenant = provision_tenant(operate.operator(), &state.identity, input, &operate.origin()).await?;
    Ok((web::Json(tenant.into()), StatusCode::CREATED))
}

impl From<ProvisionError> for Problem {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::SlugTaken => {
                let field = FieldError::at("/slug", "taken", "is another tenant's");
                Self::new(Code::SlugTaken).with_errors(vec![field])
            }
            ProvisionError::Failed(error) => error.into(),
        }
    }
}
