use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::seal::{KeyRing, OpenError, SealError, Sealed};
use kernel::{Entropy, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::{AccessToken, TwoStepPin};

/// The sealed secrets of an account, as stored.
#[derive(Clone, Debug)]
pub struct AccountCredentials {
    pub account: AccountId,
    pub access_token: Option<SealedToken>,
    pub two_step_pin: Option<Sealed>,
}

/// The sealed access token.
#[derive(Clone, Debug)]
pub struct SealedToken {
    pub sealed: Sealed,
    /// When it was entered. It tells tokens apart: what Meta says of a token does not apply to one that was entered meanwhile.
    pub set_at: DateTime<Utc>,
}

/// An opened access token.
#[derive(Clone, Debug)]
pub struct OpenToken {
    pub secret: SecretString,
    pub set_at: DateTime<Utc>,
}

/// The credentials of an account could not be read, sealed or opened. The cause is in the deployment.
#[derive(Debug, thiserror::Error)]
pub enum AccountCredentialsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the {column} of account {account} {reason}")]
    Open { account: AccountId, column: &'static str, reason: OpenError },
    #[error("the {column} of account {account} is not a text")]
    Corrupt { account: AccountId, column: &'static str },
}

const ACCESS_TOKEN: &str = "access_token";
const TWO_STEP_PIN: &str = "two_step_pin";

impl AccountCredentials {
    /// Of an account without secrets.
    #[must_use]
    pub const fn none(account: AccountId) -> Self {
        Self { account, access_token: None, two_step_pin: None }
    }

    /// # Errors
    /// [`AccountCredentialsError::Seal`].
    pub fn set_token(
        &mut self,
        token: &AccessToken,
        ring: &KeyRing,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<(), AccountCredentialsError> {
        let sealed = self.seal(ACCESS_TOKEN, token.secret(), ring, entropy)?;
        self.access_token = Some(SealedToken { sealed, set_at: now });
        Ok(())
    }

    /// # Errors
    /// [`AccountCredentialsError::Seal`].
    pub fn set_pin(
        &mut self,
        pin: &TwoStepPin,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<(), AccountCredentialsError> {
        self.two_step_pin = Some(self.seal(TWO_STEP_PIN, pin.secret(), ring, entropy)?);
        Ok(())
    }

    /// # Errors
    /// [`AccountCredentialsError`] if the sealing key is missing or the sealed value was changed.
    pub fn open_token(&self, ring: &KeyRing) -> Result<Option<OpenToken>, AccountCredentialsError> {
        let Some(token) = &self.access_token else { return Ok(None) };
        Ok(Some(OpenToken { secret: self.open(ACCESS_TOKEN, &token.sealed, ring)?, set_at: token.set_at }))
    }

    /// # Errors
    /// [`AccountCredentialsError`] if the sealing key is missing or the sealed value was changed.
    pub fn open_pin(&self, ring: &KeyRing) -> Result<Option<SecretString>, AccountCredentialsError> {
        self.two_step_pin.as_ref().map(|sealed| self.open(TWO_STEP_PIN, sealed, ring)).transpose()
    }

    /// The same secrets, sealed with the first key of the ring.
    ///
    /// # Errors
    /// [`AccountCredentialsError`].
    pub fn reseal(self, ring: &KeyRing, entropy: &dyn Entropy) -> Result<Self, AccountCredentialsError> {
        let (token, pin) = (self.open_token(ring)?, self.open_pin(ring)?);
        let access_token = token
            .map(|OpenToken { secret, set_at }| {
                self.seal(ACCESS_TOKEN, &secret, ring, entropy).map(|sealed| SealedToken { sealed, set_at })
            })
            .transpose()?;
        let two_step_pin = pin.map(|pin| self.seal(TWO_STEP_PIN, &pin, ring, entropy)).transpose()?;
        Ok(Self { access_token, two_step_pin, ..self })
    }

    fn seal(
        &self,
        column: &'static str,
        secret: &SecretString,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, SealError> {
        ring.seal(secret.expose_secret().as_bytes(), &self.context(column), entropy)
    }

    fn open(
        &self,
        column: &'static str,
        sealed: &Sealed,
        ring: &KeyRing,
    ) -> Result<SecretString, AccountCredentialsError> {
        let account = self.account;
        let opened = ring.open(sealed, &self.context(column)).map_err(|reason| AccountCredentialsError::Open {
            account,
            column,
            reason,
        })?;
        let text = str::from_utf8(opened.expose_secret());
        Ok(text.map_err(|_| AccountCredentialsError::Corrupt { account, column })?.into())
    }

    /// Account and column are bound to the sealed value, so that it cannot be used for another account or column.
    fn context(&self, column: &str) -> String {
        format!("account_credentials|{}|{column}", self.account)
    }
}

#[cfg(test)]
mod tests {
    use kernel::{ManualClock, SystemEntropy};

    use super::*;

    fn ring(ids: &[u8]) -> KeyRing {
        KeyRing::new(ids.iter().map(|id| (id.to_string(), vec![*id; 32].into()))).unwrap()
    }

    fn credentials(ring: &KeyRing) -> AccountCredentials {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        let mut credentials = AccountCredentials::none(AccountId::new(&clock));
        let token = AccessToken::parse("EAAtoken".into()).unwrap();
        credentials.set_token(&token, ring, &SystemEntropy::new(), DateTime::UNIX_EPOCH).unwrap();
        credentials.set_pin(&TwoStepPin::parse("123456".into()).unwrap(), ring, &SystemEntropy::new()).unwrap();
        credentials
    }

    fn opened(credentials: &AccountCredentials, ring: &KeyRing) -> (String, String) {
        let token = credentials.open_token(ring).unwrap().unwrap().secret;
        let pin = credentials.open_pin(ring).unwrap().unwrap();
        (token.expose_secret().to_owned(), pin.expose_secret().to_owned())
    }

    #[test]
    fn sealed_secret_is_opened_and_resealed() {
        let (old, both, new) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
        let secrets = ("EAAtoken".to_owned(), "123456".to_owned());
        let credentials = credentials(&old);
        assert_eq!(opened(&credentials, &both), secrets);
        let resealed = credentials.reseal(&both, &SystemEntropy::new()).unwrap();
        assert_eq!(opened(&resealed, &new), secrets);
        assert!(resealed.open_token(&old).is_err() && resealed.open_pin(&old).is_err());
    }

    #[test]
    fn sealed_secret_fits_its_account_and_column_only() {
        let ring = ring(&[1]);
        let (own, other) = (credentials(&ring), credentials(&ring));
        let moved = AccountCredentials { account: other.account, ..own.clone() };
        assert!(moved.open_token(&ring).is_err() && moved.open_pin(&ring).is_err());
        let pin = own.two_step_pin.clone();
        let swapped = AccountCredentials {
            access_token: pin.map(|sealed| SealedToken { sealed, set_at: DateTime::UNIX_EPOCH }),
            ..own
        };
        assert!(swapped.open_token(&ring).is_err());
    }

    #[test]
    fn secret_is_not_in_the_debug_text() {
        let ring = ring(&[1]);
        let credentials = credentials(&ring);
        let text = format!("{credentials:?} {:?}", credentials.open_token(&ring).unwrap());
        assert!(!text.contains("EAAtoken") && !text.contains("123456"), "{text}");
    }
}
