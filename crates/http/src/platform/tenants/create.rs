use actix_web::{HttpResponse, web};
use flows::{ProvisionError, ProvisionOutcome, provision_tenant};
use iam::{Tenant, TenantWeight};
use tokens::ScopeGrant as _;
use tokens::scope::TenantsWrite;

use super::bodies::{CreateBody, OperatedTenantBody};
use crate::idempotency::{IdempotencyHeader, IdempotentJson, created, replayed_response, response};
use crate::operators::Operate;
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

/// Create a tenant
///
/// Creates the tenant, its system roles and its owner in one transaction.
#[utoipa::path(
    post,
    path = "/tenants",
    operation_id = "createTenant",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [TenantsWrite::SCOPE])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Created", body = OperatedTenantBody)),
    extensions(("x-problems" = json!([Code::SlugTaken, Code::WeakPassword, Code::Busy]))),
)]
pub(crate) async fn create(
    operate: Operate<TenantsWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let (input, operator) = (body.check()?, operate.operator());
    let request = guard.operator_request(operator);
    let request = request.as_ref().map(|request| (request, &*state.key_ring));
    let respond = |tenant: &Tenant| {
        created(&OperatedTenantBody::from((tenant.clone(), TenantWeight::default()))).map_err(Into::into)
    };
    let outcome = provision_tenant(operator, &state.auth, input, request, &respond, &operate.origin()).await?;
    match outcome {
        ProvisionOutcome::Created(stored) => response(&stored),
        ProvisionOutcome::Replayed(stored) => replayed_response(&stored),
    }
}

impl From<ProvisionError> for Problem {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::SlugTaken => {
                let field = FieldError::in_body("/slug", "taken", "is used by another tenant");
                Self::new(Code::SlugTaken).with_errors(vec![field])
            }
            error @ ProvisionError::Unanswerable(_) => Self::internal(error),
            ProvisionError::Idempotency(error) => error.into(),
            ProvisionError::Failed(error) => error.into(),
        }
    }
}
