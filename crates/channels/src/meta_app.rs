use chrono::{DateTime, Utc};
use kernel::ids::MetaAppId;
use kernel::seal::{KeyRing, Sealed};
use kernel::{Change, Clock, Entropy};
use whatsapp::{AppSecret, MetaAppKey, VerifyToken};

use crate::sealed_secrets::{Column, Safe};
use crate::{MetaId, SealedSecrets, SecretsError};

/// A Meta app of a tenant's own. Its deliveries come in by a path of its own, signed with its own secret, and reach the
/// accounts that are bound to it and no others.
#[derive(Clone, Debug)]
pub struct MetaApp {
    pub id: MetaAppId,
    pub key: MetaAppKey,
    /// Meta's id of it.
    pub app_id: MetaId,
    pub name: Option<String>,
    /// Only what checks a signature opens them.
    pub secrets: SealedSecrets,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A Meta app that a tenant wants to use.
#[derive(Clone, Debug)]
pub struct NewMetaApp {
    pub app_id: MetaId,
    pub name: Option<String>,
    pub app_secret: AppSecret,
    pub previous_app_secret: Option<AppSecret>,
    pub verify_token: VerifyToken,
}

/// What is to become of an app.
#[derive(Clone, Debug, Default)]
pub struct MetaAppPatch {
    pub name: Change<String>,
    /// The current secret becomes the previous one, unless the patch says what that is.
    pub app_secret: Option<AppSecret>,
    pub previous_app_secret: Change<AppSecret>,
    pub verify_token: Option<VerifyToken>,
}

impl NewMetaApp {
    /// The app with a key of its own and its secrets sealed.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn seal(self, ring: &KeyRing, entropy: &dyn Entropy, clock: &dyn Clock) -> Result<MetaApp, SecretsError> {
        let key = MetaAppKey::generate(entropy)?;
        let safe = Safe { app: &key, ring };
        let previous = self.previous_app_secret.as_ref();
        let secrets = SealedSecrets {
            app_secret: safe.seal(Column::AppSecret, self.app_secret.expose(), entropy)?,
            previous_app_secret: previous
                .map(|previous| safe.seal(Column::PreviousAppSecret, previous.expose(), entropy))
                .transpose()?,
            verify_token: safe.seal(Column::VerifyToken, self.verify_token.expose(), entropy)?,
        };
        let now = clock.now();
        Ok(MetaApp {
            id: MetaAppId::new(clock),
            key,
            app_id: self.app_id,
            name: self.name,
            secrets,
            created_at: now,
            updated_at: now,
        })
    }
}

impl MetaApp {
    /// The app after a patch.
    ///
    /// # Errors
    /// [`SecretsError`]. A secret that does not open any more stands in the way only of becoming the previous one.
    pub fn patch(
        mut self,
        patch: MetaAppPatch,
        ring: &KeyRing,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<Self, SecretsError> {
        if patch.is_empty() {
            return Ok(self);
        }
        let safe = Safe { app: &self.key, ring };
        self.secrets.previous_app_secret = match patch.previous_app_secret {
            Change::Set(previous) => Some(safe.seal(Column::PreviousAppSecret, previous.expose(), entropy)?),
            Change::Clear => None,
            Change::Keep => self.secrets.previous_after(patch.app_secret.as_ref(), safe, entropy)?,
        };
        if let Some(secret) = &patch.app_secret {
            self.secrets.app_secret = safe.seal(Column::AppSecret, secret.expose(), entropy)?;
        }
        if let Some(token) = &patch.verify_token {
            self.secrets.verify_token = safe.seal(Column::VerifyToken, token.expose(), entropy)?;
        }
        self.name = patch.name.of(self.name);
        self.updated_at = now;
        Ok(self)
    }
}

impl MetaAppPatch {
    fn is_empty(&self) -> bool {
        self.name.is_keep()
            && self.app_secret.is_none()
            && self.previous_app_secret.is_keep()
            && self.verify_token.is_none()
    }
}

impl SealedSecrets {
    /// The previous secret when the current one is replaced. One that is replaced by itself, as by a request that is sent
    /// twice, must not push the previous one out.
    fn previous_after(
        &self,
        next: Option<&AppSecret>,
        safe: Safe<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Option<Sealed>, SecretsError> {
        let Some(next) = next else { return Ok(self.previous_app_secret.clone()) };
        let current = safe.open_app_secret(Column::AppSecret, &self.app_secret)?;
        if current.expose() == next.expose() {
            return Ok(self.previous_app_secret.clone());
        }
        Ok(Some(safe.seal(Column::PreviousAppSecret, current.expose(), entropy)?))
    }
}

#[cfg(test)]
mod tests {
    use kernel::{SystemClock, SystemEntropy};
    use whatsapp::{AppSecrets, Handshake, Signature};

    use super::*;

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new([("kek".to_owned(), vec![byte; 32].into())]).unwrap()
    }

    fn secret(text: &str) -> AppSecret {
        AppSecret::parse(text.into()).unwrap()
    }

    fn app() -> MetaApp {
        let new = NewMetaApp {
            app_id: MetaId::parse("1234").unwrap(),
            name: None,
            app_secret: secret("first"),
            previous_app_secret: None,
            verify_token: VerifyToken::parse("token".into()).unwrap(),
        };
        new.seal(&ring(7), &SystemEntropy::new(), &SystemClock::new()).unwrap()
    }

    fn patched(app: &MetaApp, patch: MetaAppPatch) -> MetaApp {
        app.clone().patch(patch, &ring(7), &SystemEntropy::new(), SystemClock::new().now()).unwrap()
    }

    fn rotated(app: &MetaApp, to: &str) -> MetaApp {
        patched(app, MetaAppPatch { app_secret: Some(secret(to)), ..MetaAppPatch::default() })
    }

    /// Which of these secrets sign deliveries that the app's credentials accept.
    fn accepted<'s>(app: &MetaApp, secrets: &[&'s str]) -> Vec<&'s str> {
        let credentials = app.secrets.open(&app.key, &ring(7)).unwrap();
        let accepts = |text: &&str| {
            let header = AppSecrets::new(&secret(text), None).sign(b"body").unwrap();
            credentials.secrets.verify(&Signature::parse(header.as_bytes()).unwrap(), b"body").is_ok()
        };
        secrets.iter().copied().filter(accepts).collect()
    }

    #[test]
    fn the_current_secret_becomes_the_previous_one() {
        let all = ["first", "second", "third"];
        let app = app();
        assert_eq!(accepted(&app, &all), ["first"]);
        let app = rotated(&app, "second");
        assert_eq!(accepted(&app, &all), ["first", "second"]);
        // Once more, as by a request that is sent again.
        assert_eq!(accepted(&rotated(&app, "second"), &all), ["first", "second"]);
        assert_eq!(accepted(&rotated(&app, "third"), &all), ["second", "third"]);

        let cleared = MetaAppPatch { previous_app_secret: Change::Clear, ..MetaAppPatch::default() };
        assert_eq!(accepted(&patched(&app, cleared), &all), ["second"]);
        let both = MetaAppPatch {
            app_secret: Some(secret("third")),
            previous_app_secret: Change::Set(secret("first")),
            ..MetaAppPatch::default()
        };
        assert_eq!(accepted(&patched(&app, both), &all), ["first", "third"]);
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let (app, other) = (rotated(&app(), "second"), app());
        assert!(app.secrets.open(&other.key, &ring(7)).is_err());
        assert!(app.secrets.open(&app.key, &ring(8)).is_err());
        let previous = app.secrets.previous_app_secret.clone().unwrap();
        let moved = SealedSecrets { app_secret: previous, ..app.secrets.clone() };
        assert!(moved.open(&app.key, &ring(7)).is_err());
        let moved = SealedSecrets { verify_token: app.secrets.app_secret.clone(), ..app.secrets.clone() };
        assert!(moved.open(&app.key, &ring(7)).is_err());
    }

    #[test]
    fn secrets_that_do_not_open_any_more_can_be_replaced() {
        let (entropy, now) = (SystemEntropy::new(), SystemClock::new().now());
        let lost = app();
        let next = MetaAppPatch { app_secret: Some(secret("second")), ..MetaAppPatch::default() };
        assert!(lost.clone().patch(next.clone(), &ring(8), &entropy, now).is_err());
        let whole = MetaAppPatch {
            previous_app_secret: Change::Clear,
            verify_token: Some(VerifyToken::parse("other".into()).unwrap()),
            ..next
        };
        let app = lost.patch(whole, &ring(8), &entropy, now).unwrap();
        let token = app.secrets.open(&app.key, &ring(8)).unwrap().verify_token;
        let asked = [("hub.mode", "subscribe"), ("hub.challenge", "1"), ("hub.verify_token", "other")];
        let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(Handshake::from_query(&asked).unwrap().answer(Some(&token)).unwrap(), "1");
    }

    #[test]
    fn nothing_to_change_changes_nothing() {
        let app = app();
        assert_eq!(patched(&app, MetaAppPatch::default()).updated_at, app.updated_at);
    }
}
