use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::errors::{ConfigErrors, non_empty};
use super::key::Key;

/// Where the files of messages are kept, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Media")]
#[group(skip)]
pub(super) struct MediaSettings {
    /// The object store for files of messages: a folder that exists (`file:///...`), which all processes share, or a bucket
    /// (`s3://bucket/prefix`, `gs://...`, `azure://...`), whose options are in the query, or in the variables of its cloud such as
    /// `AWS_ACCESS_KEY_ID` [default: `file:///var/lib/parley/media`]
    #[arg(long, value_name = "URL", hide_env_values = true)]
    media_store: Option<SecretString>,
    /// Largest file that is received or uploaded, in MiB; Meta allows no more than 100
    #[arg(long, value_name = "MIB", default_value = "100")]
    media_max_mib: String,
}

/// The object store, and what it takes.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Its query may hold secrets.
    pub store: SecretString,
    pub max_bytes: u64,
}

const STORE: Key<'_> = Key("media_store");
const MAX_MIB: Key<'_> = Key("media_max_mib");
const DEFAULT_STORE: &str = "file:///var/lib/parley/media";
const SCHEMES: [&str; 10] = ["file", "s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "https"];
const MIB: u64 = 1024 * 1024;

impl MediaSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<MediaConfig> {
        let store = non_empty(self.media_store.as_ref()).cloned().unwrap_or_else(|| SecretString::from(DEFAULT_STORE));
        let url = Url::parse(store.expose_secret()).ok();
        let is_known = url.is_some_and(|url| SCHEMES.contains(&url.scheme()));
        if !is_known {
            // Its query may hold a secret.
            errors.invalid_secret(STORE, "must be a URL such as file:///var/lib/parley/media or s3://bucket");
        }
        let mib = self.media_max_mib.parse::<u64>().ok().filter(|mib| (1..=100).contains(mib));
        if mib.is_none() {
            errors.invalid(MAX_MIB, &self.media_max_mib, "a number from 1 to 100");
        }
        let max_bytes = mib? * MIB;
        is_known.then_some(MediaConfig { store, max_bytes })
    }
}
