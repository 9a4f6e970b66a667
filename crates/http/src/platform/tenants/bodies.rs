use flows::{OperatorTenantPatch, ProvisionTenant};
use iam::{Email, Slug, Tenant, TenantName, TenantStatus, TenantWeight, UserName};
use kernel::Change;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::extract::member;
use crate::iam::bodies::{StatusBody, TenantBody};
use crate::iam::new_password::{check_new_password, personal_words};
use crate::problem::Problem;
use crate::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTenant)]
pub(crate) struct CreateBody {
    /// 1 to 120 characters.
    #[schema(example = "Acme Trading", format = "name")]
    name: String,
    /// 3 to 63 lower-case letters, digits and single hyphens; derived from the name if absent.
    #[schema(example = "acme-trading", format = "slug")]
    slug: Option<String>,
    owner: OwnerBody,
}

/// The tenant's first user, its owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOwner)]
pub(crate) struct OwnerBody {
    #[schema(example = "ada@acme.example", format = "email")]
    email: String,
    /// 8 to 256 characters.
    #[schema(example = "correct horse battery", format = "new-password")]
    password: String,
    /// Up to 120 characters.
    #[schema(example = "Ada Lovelace", format = "person-name")]
    name: Option<String>,
}

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperatorTenantPatch)]
pub(crate) struct PatchBody {
    /// 1 to 120 characters.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, example = "Acme Trading", format = "name")]
    name: Change<String>,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = StatusBody, required = false)]
    status: Change<StatusBody>,
    /// The tenant's share of the processing of events while others wait, too.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = i64, required = false, minimum = 1, maximum = 10, example = 3)]
    weight: Change<Number>,
}

/// A tenant as operators see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperatedTenant)]
pub(crate) struct OperatedTenantBody {
    #[serde(flatten)]
    tenant: TenantBody,
    /// The tenant's share of the processing of events while others wait, too: one of weight 3 gets three times as much as one of
    /// weight 1.
    #[schema(minimum = 1, maximum = 10, example = 1)]
    weight: u8,
}

impl From<(Tenant, TenantWeight)> for OperatedTenantBody {
    fn from((tenant, weight): (Tenant, TenantWeight)) -> Self {
        Self { tenant: tenant.into(), weight: weight.get() }
    }
}

impl CreateBody {
    pub(super) fn check(self) -> Result<ProvisionTenant, Problem> {
        let mut validation = Validation::default();
        let OwnerBody { email, password, name } = self.owner;
        let tenant_name = validation.field("/name", TenantName::parse(&self.name));
        let slug = self.slug.as_deref().and_then(|slug| validation.field("/slug", Slug::parse(slug)));
        let owner_email = validation.field("/owner/email", Email::parse(&email));
        let owner_name = validation.field("/owner/name", UserName::parse(name.as_deref().unwrap_or_default()));
        let [address, local] = personal_words(&email);
        let words = [address, local, &self.name, self.slug.as_deref().unwrap_or_default()];
        let rest = tenant_name.zip(owner_email).zip(owner_name);
        let (((name, owner_email), owner_name), owner_password) =
            check_new_password(validation, rest, "/owner/password", &password, &words)?;
        Ok(ProvisionTenant { name, slug, owner_email, owner_password, owner_name })
    }
}

/// The number as an integer; zero if it is not whole. JSON Schema takes 2.0 for an integer.
fn whole(number: &Number) -> i64 {
    let text = number.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().unwrap_or_default()
}

impl PatchBody {
    pub(super) fn check(self) -> Result<OperatorTenantPatch, Problem> {
        let mut validation = Validation::default();
        let name = validation.replacement("/name", self.name, |name| TenantName::parse(&name));
        let status = validation.replacement("/status", self.status, |status| {
            Ok::<_, std::convert::Infallible>(TenantStatus::from(&status))
        });
        let weight = validation.replacement("/weight", self.weight, |weight| TenantWeight::new(whole(&weight)));
        if validation.is_valid() {
            Ok(OperatorTenantPatch { name, status, weight })
        } else {
            Err(validation.into_problem())
        }
    }
}
