//! `parley check`: checks a deployment before a server is started or while it runs. Changes nothing.

use std::io::{self, Write};

use channels::{AccountCredentialsDirectory, MetaAppDirectory};
use config::{ConfigErrors, Settings};
use flows::Database;
use kernel::StoreError;
use tokens::{SigningKey, SigningKeyFactory, SigningKeyRepo};

use super::adapters::Adapters;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("found {0} problems")]
    Problems(usize),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Prints the problems of each area, one a line.
pub(super) async fn run(settings: &Settings, adapters: &dyn Adapters, allow_weak: bool) -> Result<(), CheckError> {
    let areas = [
        ("configuration", errors(settings.serve())),
        ("strength", settings.warnings().iter().map(str::to_owned).collect()),
        ("database", database(settings, adapters).await),
        ("broker", broker(settings, adapters).await),
        ("media", media(settings, adapters).await),
        ("keys", keys(settings, adapters).await),
    ];
    let out = &mut io::stdout();
    let checked = print(out, &areas, allow_weak);
    for opening in settings.openings() {
        writeln!(out, "{:<13}  open: {opening}", "strangers")?;
    }
    checked
}

fn print(out: &mut impl Write, areas: &[(&str, Vec<String>)], allow_weak: bool) -> Result<(), CheckError> {
    let mut count = 0;
    for (area, problems) in areas {
        let verdict = if *area == "strength" { "weak" } else { "wrong" };
        if problems.is_empty() {
            writeln!(out, "{area:<13}  ok")?;
        }
        for problem in problems {
            writeln!(out, "{area:<13}  {verdict}: {problem}")?;
        }
        if verdict == "wrong" || !allow_weak {
            count += problems.len();
        }
    }
    if count == 0 { Ok(()) } else { Err(CheckError::Problems(count)) }
}

fn errors<T>(config: Result<T, ConfigErrors>) -> Vec<String> {
    config.err().into_iter().flat_map(|errors| errors.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// An area that cannot be checked because of an earlier problem.
fn not_checked(reason: &str) -> Vec<String> {
    vec![format!("not checked: {reason}")]
}

async fn database(settings: &Settings, adapters: &dyn Adapters) -> Vec<String> {
    let Ok(config) = settings.database() else { return not_checked("the configuration is invalid") };
    // A server needs no owner and no administrator, but `migrate` does.
    adapters.check_database(&config, settings.migrate().ok().as_ref()).await
}

async fn broker(settings: &Settings, adapters: &dyn Adapters) -> Vec<String> {
    let Ok(config) = settings.amqp() else { return not_checked("the configuration is invalid") };
    adapters.check_broker(&config).await
}

/// Whether the object store answers.
async fn media(settings: &Settings, adapters: &dyn Adapters) -> Vec<String> {
    let Ok(config) = settings.media() else { return not_checked("the configuration is invalid") };
    match adapters.object_store(&config) {
        Ok(store) => store.probe().await.err().map(|error| format!("media.store: {error}")).into_iter().collect(),
        Err(error) => vec![format!("media.store: {error}")],
    }
}

/// Whether the secrets in the database can be decrypted.
async fn keys(settings: &Settings, adapters: &dyn Adapters) -> Vec<String> {
    let (Ok(database), Ok(keys)) = (settings.database(), settings.keys()) else {
        return not_checked("the configuration is invalid");
    };
    let Ok(database) = adapters.database(&database, &keys) else { return not_checked("the database cannot be read") };
    let algorithm = adapters.signature_algorithm();
    let factory = SigningKeyFactory { algorithm: &*algorithm, key_ring: &keys.key_ring };
    match undecryptable(&*database, factory).await {
        Ok(problems) => problems,
        Err(_) => not_checked("the database cannot be read"),
    }
}

async fn undecryptable(database: &dyn Database, factory: SigningKeyFactory<'_>) -> Result<Vec<String>, StoreError> {
    let signing: Vec<SigningKey> = database.in_operator(async |tx| SigningKeyRepo::signing_keys(tx).await).await?;
    let apps: Vec<String> = database.in_intake(async |tx| MetaAppDirectory::meta_app_sealing_keys(tx).await).await?;
    let accounts: Vec<String> = database
        .in_directory(async |tx| AccountCredentialsDirectory::account_credentials_sealing_keys(tx).await)
        .await?;

    let signing = factory.open(&signing).err();
    let signing = signing.map(|error| format!("{} (keys.encryption)", kernel::error_chain(&error)));
    let missing = |owners: &'static str, ids: Vec<String>| {
        ids.into_iter().filter(|id| !factory.key_ring.has(id)).map(move |id| {
            format!("secrets of {owners} are encrypted with the key {id:?}, which is not in keys.encryption")
        })
    };
    let sealed = missing("Meta apps", apps).chain(missing("WhatsApp numbers", accounts));
    Ok(signing.into_iter().chain(sealed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_setting_can_be_allowed_but_an_error_cannot() {
        let checked = |areas: &[(&str, Vec<String>)], allow_weak| {
            let mut out = Vec::new();
            let passed = print(&mut out, areas, allow_weak).is_ok();
            (String::from_utf8(out).unwrap(), passed)
        };
        let weak = [("strength", vec!["amqp.url has no password".to_owned()]), ("database", Vec::new())];
        let text = "strength       weak: amqp.url has no password\ndatabase       ok\n".to_owned();
        assert_eq!(checked(&weak, false), (text.clone(), false));
        assert_eq!(checked(&weak, true), (text, true));
        assert!(!checked(&[("broker", vec!["gone".to_owned()])], true).1);
    }
}
