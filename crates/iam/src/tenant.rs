use std::str::FromStr;

use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::TenantId;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A business that uses Parley.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    pub status: TenantStatus,
    pub self_registration: SelfRegistration,
    pub created_at: DateTime<Utc>,
}

impl Tenant {
    /// A new tenant, open for self-registration.
    #[must_use]
    pub fn new(name: TenantName, slug: Slug, clock: &dyn Clock) -> Self {
        Self {
            id: TenantId::new(clock),
            slug,
            name,
            status: TenantStatus::Active,
            self_registration: SelfRegistration::Open,
            created_at: clock.now(),
        }
    }
}

/// Requests of a suspended tenant's users are refused; its webhook events are held until it is active again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum TenantStatus {
    Active,
    Suspended,
}

/// Whether people may register themselves, without a role, as users of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SelfRegistration {
    Open,
    Closed,
}

/// The tenant's short name, used in URLs: 3 to 63 of `a-z`, `0-9` and single `-` in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 3 to 63 lower-case letters, digits or single hyphens in between, and not a UUID")]
pub struct InvalidSlug;

impl Slug {
    /// # Errors
    /// [`InvalidSlug`].
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let valid = (3..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
            // `X-Tenant-ID` takes a slug or an id; one value must not name two tenants.
            && TenantId::from_str(text).is_err();
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }

    /// Derives a slug from a name; `None` if too few characters remain.
    #[must_use]
    pub fn suggest(name: &TenantName) -> Option<Self> {
        let words: Vec<String> = name
            .as_str()
            .to_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let mut text = words.join("-");
        text.truncate(63);
        Self::parse(text.trim_end_matches('-')).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The display name of a tenant: 1 to 120 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 120 characters on one line")]
pub struct InvalidTenantName;

impl TenantName {
    /// # Errors
    /// [`InvalidTenantName`].
    pub fn parse(text: &str) -> Result<Self, InvalidTenantName> {
        let text = text.trim();
        let valid = (1..=120).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidTenantName) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a caller names a tenant before authentication: by id or by slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantReference {
    Id(TenantId),
    Slug(Slug),
}

impl TenantReference {
    #[must_use]
    pub fn matches(&self, tenant: &Tenant) -> bool {
        match self {
            Self::Id(id) => *id == tenant.id,
            Self::Slug(slug) => *slug == tenant.slug,
        }
    }

    /// The tenant's name in rate limit keys: its id, however the caller named it; the caller's text if there is no such tenant.
    #[must_use]
    pub fn rate_limit_name(&self, found: Option<&Tenant>) -> String {
        match (found, self) {
            (Some(tenant), _) => tenant.id.to_string(),
            (None, Self::Id(id)) => id.to_string(),
            (None, Self::Slug(slug)) => slug.as_str().to_owned(),
        }
    }
}

impl FromStr for TenantReference {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        TenantId::from_str(text).map(Self::Id).or_else(|_| Slug::parse(text).map(Self::Slug))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_outside_charset_or_length_is_refused() {
        for text in ["acme", "acme-2", "a1b"] {
            assert_eq!(Slug::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "ab", "Acme", "-acme", "acme-", "a--b", "a b", "añb", "0190b5a2-7e2f-7000-8000-000000000000"]
        {
            assert!(Slug::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn slug_is_suggested_from_name() {
        let suggest = |name: &str| Slug::suggest(&TenantName::parse(name).unwrap()).map(|s| s.as_str().to_owned());
        assert_eq!(suggest("  Acme & Sons, Ltd. ").as_deref(), Some("acme-sons-ltd"));
        assert_eq!(suggest("株式会社"), None);
        assert!(suggest(&"word ".repeat(20)).is_some());
    }

    #[test]
    fn tenant_reference_is_id_or_slug() {
        assert!(matches!("acme".parse(), Ok(TenantReference::Slug(_))));
        assert!(matches!("0190b5a2-7e2f-7000-8000-000000000000".parse(), Ok(TenantReference::Id(_))));
        assert!("'; drop table".parse::<TenantReference>().is_err());
    }
}
