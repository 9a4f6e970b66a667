//! `parley keys`: the keys that sign access tokens.

use std::io::{self, Write as _};

use channels::{AccountCredentialsError, ChangeMetaAppError};
use chrono::SecondsFormat;
use flows::{
    Database, RotateError, reseal_account_credentials, reseal_meta_apps, reseal_signing_keys, revoke_signing_key,
    rotate_signing_keys,
};
use kernel::{StoreError, SystemClock, SystemEntropy};
use tokens::{RotationPolicy, SigningKey, SigningKeyFactory, SigningKeyRepo};

use super::arguments::keys::KeysCommand;
use super::tenant::operator;

#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Rotate(#[from] RotateError),
    #[error(transparent)]
    MetaApps(#[from] ChangeMetaAppError),
    #[error(transparent)]
    Accounts(#[from] AccountCredentialsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(
    database: &dyn Database,
    factory: SigningKeyFactory<'_>,
    policy: &RotationPolicy,
    command: KeysCommand,
) -> Result<(), KeysError> {
    let (clock, entropy, mut out) = (SystemClock::new(), SystemEntropy::new(), io::stdout());
    match command {
        KeysCommand::Rotate => {
            let origin = audit::RequestOrigin::default();
            let next = database
                .in_operator(async |tx| {
                    rotate_signing_keys(operator(), tx, factory, policy, origin, &entropy, &clock).await
                })
                .await?;
            let signs_from = (next.since + policy.publish).to_rfc3339_opts(SecondsFormat::Secs, true);
            writeln!(out, "{}  signs from {signs_from}", next.kid)?;
        }
        KeysCommand::Revoke { kid } => {
            let changes = database
                .in_operator(async |tx| {
                    revoke_signing_key(operator(), tx, &kid, factory, policy, &entropy, &clock).await
                })
                .await?;
            for moved in changes {
                writeln!(out, "{}  is {}", moved.kid, moved.to.into_str())?;
            }
        }
        KeysCommand::List => {
            let keys = database.in_operator(async |tx| SigningKeyRepo::signing_keys(tx).await).await?;
            keys.iter().try_for_each(|key| writeln!(out, "{}", line(key)))?;
        }
        KeysCommand::Reseal => {
            let resealed = database
                .in_operator(async |tx| reseal_signing_keys(operator(), tx, factory.key_ring, &entropy, &clock).await)
                .await?;
            let apps = reseal_meta_apps(operator(), database, factory.key_ring, &entropy).await?;
            let accounts = reseal_account_credentials(operator(), database, factory.key_ring, &entropy, &clock).await?;
            writeln!(
                out,
                "resealed {resealed} signing keys, the secrets of {apps} Meta apps and of {accounts} numbers"
            )?;
        }
    }
    Ok(())
}

fn line(key: &SigningKey) -> String {
    let sealed = if key.state.is_accepted() {
        format!("sealed with {}", key.sealed_private_key().key_id)
    } else {
        "its private key is deleted".to_owned()
    };
    let since = key.since.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{}  {:<8}  since {since}  {sealed}", key.kid, key.state.into_str())
}
