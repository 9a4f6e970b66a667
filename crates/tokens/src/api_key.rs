mod networks;
mod refusal;
mod secret;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{ApiKeyId, UserId};
use kernel::{Clock, Permission, PermissionSet};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

pub use networks::{InvalidNetwork, Networks, TooManyNetworks};
pub use refusal::ApiKeyRefusal;
pub use secret::{ApiKeyHash, ApiKeySecret, NotAnApiKey, ShownApiKey};

/// A key with which a tenant's program calls the API. It belongs to the tenant, not to the user who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub permissions: PermissionSet,
    pub networks: Networks,
    /// `None` if that user was deleted.
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// With a precision of about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation is accepted, too.
    pub previous_valid_until: Option<DateTime<Utc>>,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ApiKeyState {
    Active,
    Expired,
    Revoked,
}

/// The name of a key: 1 to 100 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} characters on one line", ApiKeyName::MAX_CHARS)]
pub struct InvalidApiKeyName;

/// The expiry is not within the time that a key may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be in the future, at most 365 days from now")]
pub struct InvalidExpiry;

/// API keys cannot hold this permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the permission {} cannot be given to API keys", .0.key())]
pub struct NotForKeys(pub Permission);

/// A key has no permission at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at least one permission")]
pub struct NoPermissions;

impl ApiKey {
    /// How many keys of a tenant can be active at a time.
    pub const MAX_ACTIVE: i64 = 100;
    /// How long a key is valid if its maker says nothing else.
    pub const DEFAULT_LIFETIME: TimeDelta = TimeDelta::days(90);
    pub const MAX_LIFETIME: TimeDelta = TimeDelta::days(365);
    /// How long the secret before a rotation stays valid if the caller says nothing else.
    pub const DEFAULT_OVERLAP: TimeDelta = TimeDelta::hours(24);
    pub const MAX_OVERLAP_HOURS: u16 = 7 * 24;
    /// The least time between two updates of [`last_used_at`](Self::last_used_at).
    pub const USE_RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

    /// Whether the key can be used at that time. A revoked key stays revoked, also after its expiry.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> ApiKeyState {
        match self.revoked_at {
            Some(_) => ApiKeyState::Revoked,
            None if self.expires_at <= now => ApiKeyState::Expired,
            None => ApiKeyState::Active,
        }
    }

    /// Whether a use at that time is to be recorded. Never a time before the recorded one.
    #[must_use]
    pub fn is_use_to_be_recorded(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|last| last + Self::USE_RECORDED_EVERY <= now)
    }

    /// Checks an expiry that a caller wants.
    ///
    /// # Errors
    /// [`InvalidExpiry`].
    pub fn check_expiry(expires_at: DateTime<Utc>, clock: &dyn Clock) -> Result<DateTime<Utc>, InvalidExpiry> {
        let now = clock.now();
        if now < expires_at && expires_at <= now + Self::MAX_LIFETIME { Ok(expires_at) } else { Err(InvalidExpiry) }
    }

    /// Checks that API keys can hold all of these permissions, those that they imply included.
    ///
    /// # Errors
    /// [`NotForKeys`] with the first that they cannot.
    pub fn check_permissions(permissions: &PermissionSet) -> Result<(), NotForKeys> {
        permissions.iter().find(|permission| !permission.is_for_keys()).map_or(Ok(()), |wrong| Err(NotForKeys(wrong)))
    }

    /// The permissions that API keys can hold.
    #[must_use]
    pub fn grantable() -> BTreeSet<Permission> {
        Permission::ALL.iter().copied().filter(|permission| permission.is_for_keys()).collect()
    }
}

impl ApiKeyName {
    pub const MAX_CHARS: usize = 100;

    /// # Errors
    /// [`InvalidApiKeyName`].
    pub fn parse(text: &str) -> Result<Self, InvalidApiKeyName> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidApiKeyName) }
    }

    #[must_use]
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use kernel::{ManualClock, SystemClock};

    use super::*;

    fn key(clock: &ManualClock) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(clock),
            name: ApiKeyName::parse("Shop").unwrap(),
            permissions: [Permission::CrmRead].into_iter().collect(),
            networks: Networks::default(),
            created_by: None,
            created_at: clock.now(),
            expires_at: clock.now() + ApiKey::DEFAULT_LIFETIME,
            revoked_at: None,
            last_used_at: None,
            previous_valid_until: None,
        }
    }

    fn clock() -> ManualClock {
        ManualClock::starting_at(SystemClock::new().now())
    }

    #[test]
    fn key_is_active_until_expiry_or_revocation() {
        let clock = clock();
        let key = key(&clock);
        assert_eq!(key.state(key.expires_at - TimeDelta::microseconds(1)), ApiKeyState::Active);
        assert_eq!(key.state(key.expires_at), ApiKeyState::Expired);
        let revoked = ApiKey { revoked_at: Some(clock.now()), ..key };
        assert_eq!(revoked.state(clock.now()), ApiKeyState::Revoked);
        assert_eq!(revoked.state(revoked.expires_at), ApiKeyState::Revoked);
    }

    #[test]
    fn use_is_recorded_once_a_minute_and_never_backwards() {
        let clock = clock();
        let (key, now) = (key(&clock), clock.now());
        assert!(key.is_use_to_be_recorded(now));
        let used = ApiKey { last_used_at: Some(now), ..key };
        let second = TimeDelta::seconds(1);
        assert!(!used.is_use_to_be_recorded(now - TimeDelta::days(1)));
        assert!(!used.is_use_to_be_recorded(now + ApiKey::USE_RECORDED_EVERY - second));
        assert!(used.is_use_to_be_recorded(now + ApiKey::USE_RECORDED_EVERY));
    }

    #[test]
    fn expiry_is_in_the_future_and_within_a_year() {
        let clock = clock();
        let (now, moment) = (clock.now(), TimeDelta::microseconds(1));
        for fits in [now + moment, now + ApiKey::DEFAULT_LIFETIME, now + ApiKey::MAX_LIFETIME] {
            assert_eq!(ApiKey::check_expiry(fits, &clock), Ok(fits));
        }
        for wrong in [now, now - moment, now + ApiKey::MAX_LIFETIME + moment] {
            assert_eq!(ApiKey::check_expiry(wrong, &clock), Err(InvalidExpiry));
        }
    }

    #[test]
    fn permissions_for_users_only_are_refused() {
        for permission in Permission::ALL {
            let set = PermissionSet::from_iter([Permission::CrmRead, *permission]);
            let expected = if permission.is_for_keys() { Ok(()) } else { Err(()) };
            assert_eq!(ApiKey::check_permissions(&set).map_err(drop), expected, "{permission}");
        }
        let keys: Vec<&str> = ApiKey::grantable().into_iter().map(Permission::key).collect();
        assert_eq!(
            keys,
            [
                "crm:read",
                "crm:write",
                "billing:read",
                "channels:read",
                "messages:send",
                "templates:read",
                "events:read"
            ]
        );
    }

    #[test]
    fn name_is_trimmed_and_has_one_line() {
        assert_eq!(ApiKeyName::parse(" Shop ").unwrap().as_str(), "Shop");
        for wrong in ["", " ", "a\nb", &"x".repeat(101)] {
            assert_eq!(ApiKeyName::parse(wrong), Err(InvalidApiKeyName), "{wrong:?}");
        }
    }
}
