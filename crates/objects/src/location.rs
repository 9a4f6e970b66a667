use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ClientOptions, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::failure::describe;

/// The store cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    #[error("the URL of the object store is not known: use file:///..., s3://..., gs://... or azure://...")]
    UnknownScheme,
    #[error("the folder {0} of the object store does not exist, or is no folder")]
    NoFolder(PathBuf),
    #[error("the object store has no setting {0}")]
    UnknownOption(String),
    #[error("the object store cannot be used: {0}")]
    Unusable(String),
}

/// A store that was opened.
pub(crate) struct Location {
    pub(crate) store: Arc<dyn object_store::ObjectStore>,
    /// Signs addresses, where that was asked for.
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// What all names in the store begin with.
    pub(crate) prefix: Path,
    /// Of a store in a folder.
    pub(crate) folder: Option<PathBuf>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest silence.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

impl Location {
    pub(crate) fn open(url: &Url, environment: &[(String, String)]) -> Result<Self, LocationError> {
        let mut place = url.clone();
        place.set_query(None);
        let (scheme, prefix) = ObjectStoreScheme::parse(&place).map_err(|_| LocationError::UnknownScheme)?;
        let mut options: Vec<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.to_lowercase(), value.into_owned())).collect();
        let wants_signer = take(&mut options, "signed_addresses").is_some_and(|value| value == "true");
        let location = match scheme {
            ObjectStoreScheme::Local => return Self::folder(url, &options),
            ObjectStoreScheme::AmazonS3 => {
                let mut builder = AmazonS3Builder::new();
                for (name, value) in given(environment, &options) {
                    builder = builder.with_config(name.parse().map_err(|_| LocationError::UnknownOption(name))?, value);
                }
                let store = builder.with_url(place).with_client_options(client(&options)).with_retry(retry()).build();
                let store = Arc::new(store.map_err(|error| unusable(&error))?);
                Self { signer: wants_signer.then(|| Arc::clone(&store) as _), store, prefix, folder: None }
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                let mut builder = GoogleCloudStorageBuilder::new();
                for (name, value) in given(environment, &options) {
                    builder = builder.with_config(name.parse().map_err(|_| LocationError::UnknownOption(name))?, value);
                }
                let store = builder.with_url(place).with_client_options(client(&options)).with_retry(retry()).build();
                let store = Arc::new(store.map_err(|error| unusable(&error))?);
                Self { signer: wants_signer.then(|| Arc::clone(&store) as _), store, prefix, folder: None }
            }
            ObjectStoreScheme::MicrosoftAzure => {
                let mut builder = MicrosoftAzureBuilder::new();
                for (name, value) in given(environment, &options) {
                    builder = builder.with_config(name.parse().map_err(|_| LocationError::UnknownOption(name))?, value);
                }
                let store = builder.with_url(place).with_client_options(client(&options)).with_retry(retry()).build();
                // Its signed addresses cannot say how the file is to be shown, so none are given out.
                Self { signer: None, store: Arc::new(store.map_err(|error| unusable(&error))?), prefix, folder: None }
            }
            _ => return Err(LocationError::UnknownScheme),
        };
        Ok(location)
    }

    fn folder(url: &Url, options: &[(String, String)]) -> Result<Self, LocationError> {
        if let Some((name, _)) = options.first() {
            return Err(LocationError::UnknownOption(name.clone()));
        }
        let folder = url.to_file_path().map_err(|()| LocationError::UnknownScheme)?;
        if !folder.is_dir() {
            return Err(LocationError::NoFolder(folder));
        }
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| unusable(&error))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), signer: None, prefix: Path::default(), folder: Some(folder) })
    }
}

fn take(options: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let index = options.iter().position(|(known, _)| known == name)?;
    Some(options.remove(index).1)
}

/// Options of the store: those of the environment that it knows, and then those of the URL, which must be known.
fn given<'a>(
    environment: &'a [(String, String)],
    options: &'a [(String, String)],
) -> impl Iterator<Item = (String, String)> + 'a {
    let environment = environment.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    environment.filter(|(name, _)| is_known(name)).chain(options.iter().cloned())
}

/// Whether one of the clouds has this option; the environment may have more than that.
fn is_known(name: &str) -> bool {
    name.parse::<object_store::aws::AmazonS3ConfigKey>().is_ok()
        || name.parse::<object_store::gcp::GoogleConfigKey>().is_ok()
        || name.parse::<object_store::azure::AzureConfigKey>().is_ok()
}

/// A file may take long, as a slow client may read it; only silence ends a call.
fn client(options: &[(String, String)]) -> ClientOptions {
    let allows_http = options.iter().any(|(name, value)| name == "allow_http" && value == "true");
    ClientOptions::new()
        .with_allow_http(allows_http)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout_disabled()
}

fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), base: 2.0 };
    RetryConfig { backoff, max_retries: 2, retry_timeout: READ_TIMEOUT }
}

fn unusable(error: &object_store::Error) -> LocationError {
    LocationError::Unusable(describe(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str, environment: &[(&str, &str)]) -> Result<Location, LocationError> {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Location::open(&url.parse().unwrap(), &environment)
    }

    #[test]
    fn folder_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(folder.path()).unwrap();
        assert!(open(url.as_str(), &[]).is_ok());
        assert!(matches!(open(&format!("{url}missing"), &[]), Err(LocationError::NoFolder(_))));
    }

    #[test]
    fn bucket_takes_options_of_url_and_environment() {
        let url =
            "s3://bucket/a/b?region=eu-central-1&endpoint=http://localhost:1&allow_http=true&signed_addresses=true";
        let keys = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_PAGER", "less")];
        let location = open(url, &keys).unwrap();
        assert_eq!(location.prefix.as_ref(), "a/b");
        assert!(location.signer.is_some());
        assert!(open("s3://bucket?region=eu-central-1", &keys).unwrap().signer.is_none());
    }

    #[test]
    fn unknown_scheme_or_option_is_refused() {
        for url in ["ftp://host/a", "memory:///", "http://host/a"] {
            assert!(matches!(open(url, &[]), Err(LocationError::UnknownScheme)), "{url}");
        }
        assert!(
            matches!(open("s3://bucket?regoin=a", &[]), Err(LocationError::UnknownOption(name)) if name == "regoin")
        );
        assert!(matches!(open("file:///tmp?region=a", &[]), Err(LocationError::UnknownOption(_))));
    }
}
