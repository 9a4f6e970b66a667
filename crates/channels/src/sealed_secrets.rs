use kernel::seal::{KeyRing, OpenError, SealError, Sealed};
use kernel::{Entropy, EntropyUnavailable};
use secrecy::{ExposeSecret, SecretString};
use whatsapp::{AppSecret, AppSecrets, MetaAppKey, VerifyToken};

/// What a Meta app and we know, and nobody else: how its deliveries are signed, and what it asks for in a handshake.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    pub secrets: AppSecrets,
    pub verify_token: VerifyToken,
}

/// The credentials of a tenant's app as they are stored.
#[derive(Clone, Debug)]
pub struct SealedSecrets {
    pub app_secret: Sealed,
    /// The one before, while deliveries may still be signed with it.
    pub previous_app_secret: Option<Sealed>,
    pub verify_token: Sealed,
}

/// Why secrets cannot be stored or used; never their owner's fault.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error("the {column} of Meta app {app} {reason}")]
    Open { app: String, column: &'static str, reason: OpenError },
    #[error("the {column} of Meta app {app} is none, although it was stored as one")]
    Corrupt { app: String, column: &'static str },
}

/// Seals and opens the secrets of one app. Which app and which of its secrets it is is part of what is sealed, so that none
/// can be put in another's place.
#[derive(Clone, Copy)]
pub(crate) struct Safe<'a> {
    pub(crate) app: &'a MetaAppKey,
    pub(crate) ring: &'a KeyRing,
}

#[derive(Clone, Copy)]
pub(crate) enum Column {
    AppSecret,
    PreviousAppSecret,
    VerifyToken,
}

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::AppSecret => "app_secret",
            Self::PreviousAppSecret => "previous_app_secret",
            Self::VerifyToken => "verify_token",
        }
    }
}

impl Safe<'_> {
    pub(crate) fn seal(&self, column: Column, secret: &str, entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        self.ring.seal(secret.as_bytes(), &self.context(column), entropy)
    }

    pub(crate) fn open_app_secret(&self, column: Column, sealed: &Sealed) -> Result<AppSecret, SecretsError> {
        AppSecret::new(self.open(column, sealed)?).map_err(|_| self.corrupt(column))
    }

    /// The same with the first key of the ring.
    fn seal_anew(&self, column: Column, sealed: &Sealed, entropy: &dyn Entropy) -> Result<Sealed, SecretsError> {
        if self.ring.sealing_key_id() == Some(sealed.key_id.as_str()) {
            return Ok(sealed.clone());
        }
        Ok(self.seal(column, self.open(column, sealed)?.expose_secret(), entropy)?)
    }

    fn open(&self, column: Column, sealed: &Sealed) -> Result<SecretString, SecretsError> {
        let opened = self.ring.open(sealed, &self.context(column)).map_err(|reason| SecretsError::Open {
            app: self.app.as_str().to_owned(),
            column: column.name(),
            reason,
        })?;
        let text = str::from_utf8(opened.expose_secret()).map_err(|_| self.corrupt(column))?;
        Ok(text.into())
    }

    fn context(&self, column: Column) -> String {
        format!("meta_apps|{}|{}", self.app.as_str(), column.name())
    }

    fn corrupt(&self, column: Column) -> SecretsError {
        SecretsError::Corrupt { app: self.app.as_str().to_owned(), column: column.name() }
    }
}

impl SealedSecrets {
    /// The same, sealed with the first key of the ring: the others are not needed for them any more.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub(crate) fn sealed_anew(
        &self,
        app: &MetaAppKey,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Self, SecretsError> {
        let safe = Safe { app, ring };
        let previous = self.previous_app_secret.as_ref();
        Ok(Self {
            app_secret: safe.seal_anew(Column::AppSecret, &self.app_secret, entropy)?,
            previous_app_secret: previous
                .map(|sealed| safe.seal_anew(Column::PreviousAppSecret, sealed, entropy))
                .transpose()?,
            verify_token: safe.seal_anew(Column::VerifyToken, &self.verify_token, entropy)?,
        })
    }

    /// What deliveries and handshakes of this app are checked with.
    ///
    /// # Errors
    /// [`SecretsError`] when the key-encryption keys are others than they were sealed with, or something was changed.
    pub fn open(&self, app: &MetaAppKey, ring: &KeyRing) -> Result<AppCredentials, SecretsError> {
        let safe = Safe { app, ring };
        let current = safe.open_app_secret(Column::AppSecret, &self.app_secret)?;
        let previous = self.previous_app_secret.as_ref();
        let previous = previous.map(|sealed| safe.open_app_secret(Column::PreviousAppSecret, sealed)).transpose()?;
        let verify_token = VerifyToken::new(safe.open(Column::VerifyToken, &self.verify_token)?);
        Ok(AppCredentials {
            // Always two, so that refusing a signature takes as long for every app, and for none.
            secrets: AppSecrets::new(&current, Some(previous.as_ref().unwrap_or(&current))),
            verify_token: verify_token.map_err(|_| safe.corrupt(Column::VerifyToken))?,
        })
    }
}
