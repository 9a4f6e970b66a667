use actix_web::{HttpResponse, web};
use flows::{ProvisionError, Provisioned, provision_tenant};
use iam::Tenant;
use tokens::ScopeGrant as _;
use tokens::scope::TenantsWrite;

use super::bodies::CreateBody;
use crate::http::State;
use crate::http::iam::bodies::TenantBody;
use crate::http::once::{IdempotencyHeader, Once, again, created, response};
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
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Made", body = TenantBody)),
    extensions(("x-problems" = json!([Code::SlugTaken, Code::WeakPassword, Code::Busy]))),
)]
pub(crate) async fn create(
    operate: Operate<TenantsWrite>,
    state: web::Data<State>,
    body: Once<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, attempt) = body.into_parts();
    let (input, operator) = (body.check()?, operate.operator());
    let request = attempt.of_operator(operator);
    let request = request.as_ref().map(|request| (request, &*state.ring));
    let answer = |tenant: &Tenant| created(&TenantBody::from(tenant.clone())).map_err(Into::into);
    let made = provision_tenant(operator, &state.identity, input, request, &answer, &operate.origin()).await?;
    match made {
        Provisioned::Now(answer) => response(&answer),
        Provisioned::Before(answer) => again(&answer),
    }
}

impl From<ProvisionError> for Problem {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::SlugTaken => {
                let field = FieldError::at("/slug", "taken", "is another tenant's");
                Self::new(Code::SlugTaken).with_errors(vec![field])
            }
            error @ ProvisionError::Unanswerable(_) => Self::internal(error),
            ProvisionError::Idempotency(error) => error.into(),
            ProvisionError::Failed(error) => error.into(),
        }
    }
}
