//! `parley provisioning-key`: the keys of operators' programs.

use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat, Utc};
use flows::{CreateProvisioningKeyError, Database, create_provisioning_key, revoke_provisioning_key};
use kernel::{Clock as _, StoreError, SystemClock, SystemEntropy};
use tokens::{ProvisioningKey, ProvisioningKeyRepo, ProvisioningSecret};

use super::arguments::provisioning_key::ProvisioningKeyCommand;
use super::tenant::operator;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisioningKeyError {
    #[error("--expires-at is in the past")]
    Expired,
    #[error("there is no active key with that id")]
    NotActive,
    #[error(transparent)]
    Create(#[from] CreateProvisioningKeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Prints a key that needs no database: it is accepted once its hash is in the configuration.
pub(super) fn bootstrap() -> Result<(), ProvisioningKeyError> {
    let secret = ProvisioningSecret::generate(&SystemEntropy::new()).map_err(CreateProvisioningKeyError::from)?;
    let mut out = io::stdout();
    writeln!(out, "{}", secret.expose())?;
    writeln!(out, "Store it now: it is not shown again. It is accepted where the configuration has")?;
    writeln!(out, "provisioning.bootstrap_key_hash = \"{}\"", secret.hash())?;
    Ok(())
}

pub(super) async fn run(database: &dyn Database, command: ProvisioningKeyCommand) -> Result<(), ProvisioningKeyError> {
    let (clock, mut out) = (SystemClock::new(), io::stdout());
    match command {
        ProvisioningKeyCommand::Bootstrap => bootstrap()?,
        ProvisioningKeyCommand::Create { name, scopes, expires_at } => {
            if expires_at.is_some_and(|end| end <= clock.now()) {
                return Err(ProvisioningKeyError::Expired);
            }
            let (entropy, scopes) = (SystemEntropy::new(), scopes.into_iter().collect());
            let (key, secret) = database
                .in_operator(async |tx| {
                    create_provisioning_key(operator(), tx, name, scopes, expires_at, &entropy, &clock).await
                })
                .await?;
            writeln!(out, "{}", line(&key, clock.now()))?;
            writeln!(out, "{}", secret.expose())?;
            writeln!(out, "Store it now: it is not shown again.")?;
        }
        ProvisioningKeyCommand::List => {
            let keys = database.in_operator(async |tx| ProvisioningKeyRepo::provisioning_keys(tx).await).await?;
            keys.iter().try_for_each(|key| writeln!(out, "{}", line(key, clock.now())))?;
        }
        ProvisioningKeyCommand::Revoke { id } => {
            let revoked = database.in_operator(async |tx| revoke_provisioning_key(operator(), tx, id, &clock).await);
            if !revoked.await? {
                return Err(ProvisioningKeyError::NotActive);
            }
            writeln!(out, "revoked {id}")?;
        }
    }
    Ok(())
}

fn line(key: &ProvisioningKey, now: DateTime<Utc>) -> String {
    let time = |time: Option<DateTime<Utc>>| {
        time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
    };
    let state = if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_in_force(now) {
        "active"
    } else {
        "expired"
    };
    let scopes: Vec<&str> = key.scopes.iter().map(tokens::KeyScope::into_str).collect();
    format!(
        "{}  {state:<8}  expires {}  last used {}  {}  {}",
        key.id,
        time(key.expires_at),
        time(key.last_used_at),
        scopes.join(","),
        key.name
    )
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use tokens::KeyScope;

    use super::*;

    #[test]
    fn line_shows_whether_the_key_is_active() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let id = "01890000-0000-7000-8000-000000000001".parse().unwrap();
        let key = |expires_at, revoked_at| ProvisioningKey {
            id,
            name: "CI".to_owned(),
            scopes: [KeyScope::TenantsRead].into(),
            created_at: now,
            expires_at,
            revoked_at,
            last_used_at: None,
        };
        for (key, part) in [
            (key(None, None), "  active    expires never  last used never  tenants:read  CI"),
            (key(Some(now - TimeDelta::days(1)), None), "  expired   expires 2027-01-14T08:00:00Z"),
            (key(None, Some(now)), "  revoked   expires never"),
        ] {
            let text = line(&key, now);
            assert!(text.contains(part), "{text}");
        }
    }
}
