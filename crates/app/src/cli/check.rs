//! Looks at everything that a deployment is made of, before or beside a running server, and changes nothing.

use std::io::{self, Write};

use flows::{Database as _, settle};
use inbound::MetaAppDirectory;
use kernel::StoreError;
use kernel::seal::KeyRing;
use postgres::{Login, Postgres, ServingRole, inspect};
use tokens::{KeySet, SigningKeyRepo};

use super::CliError;
use crate::config::{DatabaseConfig, Mistakes, Settings};
use crate::wiring;

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("{0} of the above must be mended")]
    Problems(usize),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Prints what is wrong, a line each, area by area.
pub(super) async fn run(settings: &Settings, allow_weak: bool) -> Result<(), CliError> {
    let areas = [
        ("configuration", mistakes(settings.serve())),
        ("strength", settings.weaknesses().iter().map(str::to_owned).collect()),
        ("database", database(settings).await),
        ("broker", broker(settings).await),
        ("keys", keys(settings).await),
    ];
    Ok(say(&mut io::stdout(), &areas, allow_weak)?)
}

fn say(out: &mut impl Write, areas: &[(&str, Vec<String>)], allow_weak: bool) -> Result<(), CheckError> {
    let mut wrong = 0;
    for (area, problems) in areas {
        let verdict = if *area == "strength" { "weak" } else { "wrong" };
        if problems.is_empty() {
            writeln!(out, "{area:<13}  ok")?;
        }
        for problem in problems {
            writeln!(out, "{area:<13}  {verdict}: {problem}")?;
        }
        if verdict == "wrong" || !allow_weak {
            wrong += problems.len();
        }
    }
    if wrong == 0 { Ok(()) } else { Err(CheckError::Problems(wrong)) }
}

fn mistakes<T>(config: Result<T, Mistakes>) -> Vec<String> {
    config.err().into_iter().flat_map(|mistakes| mistakes.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What could not be looked at, because of what was said before.
fn not_looked_at(why: &str) -> Vec<String> {
    vec![format!("not looked at: {why}")]
}

async fn database(settings: &Settings) -> Vec<String> {
    let Ok(config) = settings.database() else { return not_looked_at("the configuration is wrong") };
    let mut logins = vec![
        Login { setting: "database.platform_url", url: config.platform_url, serves_as: Some(ServingRole::Platform) },
        Login { setting: "database.url", url: config.url, serves_as: Some(ServingRole::App) },
    ];
    // A server needs neither, but `migrate` does.
    if let Ok(migrate) = settings.migrate() {
        let owner = [("database.owner_url", migrate.owner_url)];
        let admin = migrate.admin.map(|admin| ("database.admin_url", admin.url));
        let others = owner.into_iter().chain(admin);
        logins.extend(others.map(|(setting, url)| Login { setting, url, serves_as: None }));
    }
    inspect(&logins).await.iter().map(|problem| kernel::error_chain(problem)).collect()
}

async fn broker(settings: &Settings) -> Vec<String> {
    let Ok(config) = settings.amqp() else { return not_looked_at("the configuration is wrong") };
    let inspected = match wiring::broker(&config) {
        Ok(broker) => broker.inspect().await,
        Err(error) => Err(error),
    };
    match inspected {
        Ok(problems) => problems.iter().map(ToString::to_string).collect(),
        Err(error) => vec![format!("amqp.url leads nowhere: {}", kernel::error_chain(&error))],
    }
}

/// Whether what is sealed in the database can be opened.
async fn keys(settings: &Settings) -> Vec<String> {
    let (Ok(database), Ok(keys)) = (settings.database(), settings.keys()) else {
        return not_looked_at("the configuration is wrong");
    };
    match unusable(&database, &keys.ring).await {
        Ok(problems) => problems,
        Err(_) => not_looked_at("the database cannot be read"),
    }
}

async fn unusable(config: &DatabaseConfig, ring: &KeyRing) -> Result<Vec<String>, StoreError> {
    let database: Postgres = wiring::postgres(config).map_err(|error| StoreError::Unavailable(error.into()))?;
    let mut tx = database.operator().await?;
    let signing = SigningKeyRepo::signing_keys(&mut *tx).await;
    let signing = settle::<_, _, StoreError>(tx, signing).await?;
    let mut tx = database.intake().await?;
    let apps = MetaAppDirectory::meta_app_sealing_keys(&mut *tx).await;
    let apps = settle::<_, _, StoreError>(tx, apps).await?;

    let signing = KeySet::open(&signing, ring).err();
    let signing = signing.map(|error| format!("{} (keys.encryption)", kernel::error_chain(&error)));
    let apps = apps.into_iter().filter(|id| !ring.has(id)).map(|id| {
        format!("secrets of Meta apps were sealed with the key-encryption key {id:?}, which is not in keys.encryption")
    });
    Ok(signing.into_iter().chain(apps).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_weak_can_be_allowed_and_what_is_wrong_cannot() {
        let said = |areas: &[(&str, Vec<String>)], allow_weak| {
            let mut out = Vec::new();
            let passed = say(&mut out, areas, allow_weak).is_ok();
            (String::from_utf8(out).unwrap(), passed)
        };
        let weak = [("strength", vec!["amqp.url has no password".to_owned()]), ("database", Vec::new())];
        let told = "strength       weak: amqp.url has no password\ndatabase       ok\n".to_owned();
        assert_eq!(said(&weak, false), (told.clone(), false));
        assert_eq!(said(&weak, true), (told, true));
        assert!(!said(&[("broker", vec!["gone".to_owned()])], true).1);
    }
}
