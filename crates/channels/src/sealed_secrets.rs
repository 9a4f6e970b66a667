use chrono::{DateTime, TimeDelta, Utc};
use kernel::seal::{KeyRing, OpenError, SealError, Sealed};
use kernel::{Entropy, EntropyUnavailable};
use secrecy::{ExposeSecret, SecretString};
use whatsapp::{AppSecret, AppSecrets, MetaAppKey, VerifyToken};

/// The credentials of a Meta app: the secrets that sign its deliveries, and the verify token of its handshake.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    pub secrets: AppSecrets,
    pub verify_token: VerifyToken,
}

/// The sealed credentials of a tenant's app, as stored.
#[derive(Clone, Debug)]
pub struct SealedSecrets {
    pub app_secret: Sealed,
    /// The secret before, while deliveries may still be signed with it.
    pub previous_app_secret: Option<PreviousSecret>,
    pub verify_token: Sealed,
}

/// The app secret before a rotation. It ends by itself, as a secret is often reset because it leaked.
#[derive(Clone, Debug)]
pub struct PreviousSecret {
    pub sealed: Sealed,
    /// Deliveries that are signed with it are refused from then on.
    pub ends_at: DateTime<Utc>,
}

impl PreviousSecret {
    /// Meta retries a delivery for seven days. One more allows for a secret that is entered here before it is reset at Meta.
    pub const LIFETIME: TimeDelta = TimeDelta::days(8);
}

/// Secrets could not be sealed or opened. The cause is in the deployment, not in the tenant's input.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error("the {column} of Meta app {app} {reason}")]
    Open { app: String, column: &'static str, reason: OpenError },
    #[error("the {column} of Meta app {app} is not a valid secret")]
    Corrupt { app: String, column: &'static str },
}

/// Seals and opens the secrets of one app. App and column are bound to the sealed value, so that it cannot be used for another
/// app or column.
#[derive(Clone, Copy)]
pub(crate) struct SecretSealer<'a> {
    pub(crate) app: &'a MetaAppKey,
    pub(crate) ring: &'a KeyRing,
}

#[derive(Clone, Copy)]
pub(crate) enum SecretColumn {
    AppSecret,
    PreviousAppSecret,
    VerifyToken,
}

impl SecretColumn {
    const fn name(self) -> &'static str {
        match self {
            Self::AppSecret => "app_secret",
            Self::PreviousAppSecret => "previous_app_secret",
            Self::VerifyToken => "verify_token",
        }
    }
}

impl SecretSealer<'_> {
    pub(crate) fn seal(&self, column: SecretColumn, secret: &str, entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        self.ring.seal(secret.as_bytes(), &self.context(column), entropy)
    }

    /// The secret that is replaced now.
    pub(crate) fn seal_previous(
        &self,
        previous: &AppSecret,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<PreviousSecret, SealError> {
        let sealed = self.seal(SecretColumn::PreviousAppSecret, previous.expose(), entropy)?;
        Ok(PreviousSecret { sealed, ends_at: now + PreviousSecret::LIFETIME })
    }

    pub(crate) fn open_app_secret(&self, column: SecretColumn, sealed: &Sealed) -> Result<AppSecret, SecretsError> {
        AppSecret::new(self.open(column, sealed)?).map_err(|_| self.corrupt(column))
    }

    /// The same with the first key of the ring.
    fn reseal(&self, column: SecretColumn, sealed: &Sealed, entropy: &dyn Entropy) -> Result<Sealed, SecretsError> {
        if self.ring.sealing_key_id() == Some(sealed.key_id.as_str()) {
            return Ok(sealed.clone());
        }
        Ok(self.seal(column, self.open(column, sealed)?.expose_secret(), entropy)?)
    }

    fn open(&self, column: SecretColumn, sealed: &Sealed) -> Result<SecretString, SecretsError> {
        let opened = self.ring.open(sealed, &self.context(column)).map_err(|reason| SecretsError::Open {
            app: self.app.as_str().to_owned(),
            column: column.name(),
            reason,
        })?;
        let text = str::from_utf8(opened.expose_secret()).map_err(|_| self.corrupt(column))?;
        Ok(text.into())
    }

    fn context(&self, column: SecretColumn) -> String {
        format!("meta_apps|{}|{}", self.app.as_str(), column.name())
    }

    fn corrupt(&self, column: SecretColumn) -> SecretsError {
        SecretsError::Corrupt { app: self.app.as_str().to_owned(), column: column.name() }
    }
}

impl SealedSecrets {
    /// The same secrets, sealed with the first key of the ring. Older keys are no longer needed for them.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub(crate) fn reseal(&self, app: &MetaAppKey, ring: &KeyRing, entropy: &dyn Entropy) -> Result<Self, SecretsError> {
        let sealer = SecretSealer { app, ring };
        let previous = self.previous_app_secret.as_ref();
        Ok(Self {
            app_secret: sealer.reseal(SecretColumn::AppSecret, &self.app_secret, entropy)?,
            previous_app_secret: previous
                .map(|previous| {
                    let resealed = sealer.reseal(SecretColumn::PreviousAppSecret, &previous.sealed, entropy)?;
                    Ok::<_, SecretsError>(PreviousSecret { sealed: resealed, ends_at: previous.ends_at })
                })
                .transpose()?,
            verify_token: sealer.reseal(SecretColumn::VerifyToken, &self.verify_token, entropy)?,
        })
    }

    /// Without a previous secret that has ended.
    #[must_use]
    pub(crate) fn without_ended(mut self, now: DateTime<Utc>) -> Self {
        self.previous_app_secret = self.previous_app_secret.filter(|previous| now < previous.ends_at);
        self
    }

    /// Opens the credentials that check deliveries and handshakes of this app at that time.
    ///
    /// # Errors
    /// [`SecretsError`] if the sealing key is missing or a sealed value was changed.
    pub fn open(&self, app: &MetaAppKey, ring: &KeyRing, now: DateTime<Utc>) -> Result<AppCredentials, SecretsError> {
        let sealer = SecretSealer { app, ring };
        let current = sealer.open_app_secret(SecretColumn::AppSecret, &self.app_secret)?;
        let previous = self.previous_app_secret.as_ref().filter(|previous| now < previous.ends_at);
        let previous = previous
            .map(|previous| sealer.open_app_secret(SecretColumn::PreviousAppSecret, &previous.sealed))
            .transpose()?;
        let verify_token = VerifyToken::new(sealer.open(SecretColumn::VerifyToken, &self.verify_token)?);
        Ok(AppCredentials {
            // Always two, so that refusing a signature takes the same time for every app and for unknown keys.
            secrets: AppSecrets::new(&current, Some(previous.as_ref().unwrap_or(&current))),
            verify_token: verify_token.map_err(|_| sealer.corrupt(SecretColumn::VerifyToken))?,
        })
    }
}
