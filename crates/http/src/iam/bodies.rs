use chrono::{DateTime, Utc};
use flows::LoggedIn;
use iam::{SelfRegistration, Tenant, TenantStatus, User, UserStatus};
use rbac::RoleKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::closed_set::closed_set;

/// A business that uses Parley.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantBody {
    id: Uuid,
    #[schema(example = "acme-trading")]
    slug: String,
    #[schema(example = "Acme Trading")]
    name: String,
    status: StatusBody,
    /// Whether people can register themselves in the tenant.
    self_registration: SelfRegistrationBody,
    created_at: DateTime<Utc>,
}

/// A user of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    id: Uuid,
    #[schema(example = "ada@acme.example")]
    email: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
    status: StatusBody,
    /// The user registered themselves; the email address is not verified.
    self_registered: bool,
    /// Keys of the user's roles.
    #[schema(example = json!(["owner"]))]
    roles: Vec<String>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Status)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusBody {
    Active,
    Suspended,
}

closed_set!(SelfRegistrationBody = SelfRegistration, "SelfRegistration");

/// Tokens of a new session.
#[derive(Serialize, ToSchema)]
#[schema(as = LoggedIn)]
pub(crate) struct LoggedInBody {
    /// A signed JWT (RFC 9068). Send it as `Authorization: Bearer`.
    access_token: String,
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// An opaque secret; use it once, at `POST /auth/refresh`.
    refresh_token: String,
    tenant: TenantBody,
    user: UserBody,
}

impl From<StatusBody> for UserStatus {
    fn from(status: StatusBody) -> Self {
        match status {
            StatusBody::Active => Self::Active,
            StatusBody::Suspended => Self::Suspended,
        }
    }
}

impl From<&StatusBody> for TenantStatus {
    fn from(status: &StatusBody) -> Self {
        match status {
            StatusBody::Active => Self::Active,
            StatusBody::Suspended => Self::Suspended,
        }
    }
}

impl From<Tenant> for TenantBody {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.as_uuid(),
            slug: tenant.slug.as_str().to_owned(),
            name: tenant.name.as_str().to_owned(),
            status: match tenant.status {
                TenantStatus::Active => StatusBody::Active,
                TenantStatus::Suspended => StatusBody::Suspended,
            },
            self_registration: tenant.self_registration.into(),
            created_at: tenant.created_at,
        }
    }
}

impl UserBody {
    pub(super) fn new(user: &User, roles: &[RoleKey]) -> Self {
        Self {
            id: user.id.as_uuid(),
            email: user.email.as_written().to_owned(),
            name: user.name.as_str().to_owned(),
            status: match user.status {
                UserStatus::Active => StatusBody::Active,
                UserStatus::Suspended => StatusBody::Suspended,
            },
            self_registered: user.self_registered,
            roles: role_keys(roles),
            created_at: user.created_at,
        }
    }
}

pub(super) fn role_keys(roles: &[RoleKey]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

impl From<LoggedIn> for LoggedInBody {
    fn from(logged_in: LoggedIn) -> Self {
        Self {
            access_token: logged_in.access_token,
            token_type: "Bearer",
            expires_in: logged_in.expires_in.num_seconds(),
            refresh_token: logged_in.refresh_token.expose().to_owned(),
            user: UserBody::new(&logged_in.user, &logged_in.roles),
            tenant: logged_in.tenant.into(),
        }
    }
}
