//! `parley api-key`: the keys of tenants' programs.

use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat, Utc};
use flows::{Database, revoke_api_key_by_operator};
use kernel::{Clock as _, PageLimit, PageRequest, Permission, StoreError, SystemClock};
use tokens::{ApiKey, ApiKeyRepo, ApiKeySecret};

use super::arguments::api_key::ApiKeyCommand;
use super::tenant::{FindTenantError, find_tenant, operator, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiKeyError {
    #[error("the tenant has no such key")]
    Unknown,
    #[error("the key was not active")]
    NotActive,
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(database: &dyn Database, command: ApiKeyCommand) -> Result<(), ApiKeyError> {
    let (clock, mut out) = (SystemClock::new(), io::stdout());
    match command {
        ApiKeyCommand::List { tenant } => {
            let scope = scope_of(&find_tenant(database, &tenant).await?);
            let mut page =
                PageRequest { limit: PageLimit::new(PageLimit::MAX.into()).unwrap_or_default(), after: None };
            loop {
                let keys = database.in_tenant(&scope, async |tx| ApiKeyRepo::api_keys(tx, None, &page).await).await?;
                keys.items.iter().try_for_each(|key| writeln!(out, "{}", line(key, clock.now())))?;
                page.after = keys.next;
                if page.after.is_none() {
                    break;
                }
            }
        }
        ApiKeyCommand::Revoke { id, tenant } => {
            let scope = scope_of(&find_tenant(database, &tenant).await?);
            let revoked = database
                .in_tenant(&scope, async |tx| revoke_api_key_by_operator(operator(), tx, id, &clock).await)
                .await?;
            match revoked {
                None => return Err(ApiKeyError::Unknown),
                Some(false) => return Err(ApiKeyError::NotActive),
                Some(true) => writeln!(out, "revoked {id}")?,
            }
        }
    }
    Ok(())
}

fn line(key: &ApiKey, now: DateTime<Utc>) -> String {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::key).collect();
    format!(
        "{}  {}  {:<7}  expires {}  last used {}  {}  {}",
        key.id,
        ApiKeySecret::public_part(key.id),
        key.state(now).into_str(),
        time(key.expires_at),
        key.last_used_at.map_or_else(|| "never".to_owned(), time),
        permissions.join(","),
        key.name.as_str()
    )
}

#[cfg(test)]
mod tests {
    use tokens::{ApiKeyName, Networks};

    use super::*;

    #[test]
    fn line_shows_state_use_and_permissions() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let key = ApiKey {
            id: "01890000-0000-7000-8000-000000000001".parse().unwrap(),
            name: ApiKeyName::parse("Shop").unwrap(),
            permissions: [Permission::CrmWrite].into_iter().collect(),
            networks: Networks::default(),
            created_by: None,
            created_at: now,
            expires_at: now + ApiKey::DEFAULT_LIFETIME,
            revoked_at: None,
            last_used_at: None,
            previous_valid_until: None,
        };
        let text = line(&key, now);
        assert!(text.starts_with("01890000-0000-7000-8000-000000000001  parley_ak_"), "{text}");
        assert!(
            text.ends_with("  active   expires 2027-04-15T08:00:00Z  last used never  crm:read,crm:write  Shop"),
            "{text}"
        );
        let revoked = ApiKey { revoked_at: Some(now), last_used_at: Some(now), ..key };
        assert!(
            line(&revoked, now).contains("  revoked  expires 2027-04-15T08:00:00Z  last used 2027-01-15T08:00:00Z")
        );
    }
}
