use actix_web::web;
use flows::change_settings;
use iam::{SelfRegistration, TenantName, TenantPatch, tenant};
use kernel::{Change, Grant as _, TenantRead, TenantWrite};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{SelfRegistrationBody, TenantBody};
use crate::auth::Allow;
use crate::extract::{Json, member};
use crate::problem::Problem;
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantPatch)]
pub(crate) struct PatchBody {
    /// 1 to 120 characters.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, example = "Acme Trading", format = "name")]
    name: Change<String>,
    /// Whether people can register themselves in the tenant.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = SelfRegistrationBody, required = false)]
    self_registration: Change<SelfRegistrationBody>,
}

/// Read the tenant's settings
#[utoipa::path(
    get,
    path = "/tenant",
    operation_id = "readTenant",
    tag = tags::TENANT,
    security(("bearer" = [TenantRead::PERMISSION])),
    responses((status = 200, description = "The caller's tenant", body = TenantBody)),
)]
pub(crate) async fn read(allow: Allow<TenantRead>, state: web::Data<State>) -> Result<web::Json<TenantBody>, Problem> {
    let tenant =
        state.in_tenant(allow, async |permit, tx| tenant(permit, tx).await).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(tenant.into()))
}

/// Change the tenant's settings
///
/// A JSON Merge Patch. Only an operator can change slug and status.
#[utoipa::path(
    patch,
    path = "/tenant",
    operation_id = "changeTenant",
    tag = tags::TENANT,
    security(("bearer" = [TenantWrite::PERMISSION])),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed resource", body = TenantBody)),
)]
pub(crate) async fn change(
    allow: Allow<TenantWrite>,
    state: web::Data<State>,
    body: Json<PatchBody>,
) -> Result<web::Json<TenantBody>, Problem> {
    let patch = body.into_inner().check()?;
    let (origin, clock) = (allow.origin(), &*state.clock);
    let tenant = state
        .in_tenant(allow, async |permit, tx| change_settings(permit, tx, patch, origin, clock).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(tenant.into()))
}

impl PatchBody {
    fn check(self) -> Result<TenantPatch, Problem> {
        let mut validation = Validation::default();
        let name = validation.replacement("/name", self.name, |name| TenantName::parse(&name));
        let self_registration = validation.replacement("/self_registration", self.self_registration, |mode| {
            Ok::<_, std::convert::Infallible>(SelfRegistration::from(mode))
        });
        if validation.is_valid() { Ok(TenantPatch { name, self_registration }) } else { Err(validation.into_problem()) }
    }
}
