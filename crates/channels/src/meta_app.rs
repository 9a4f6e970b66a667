use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::MetaAppId;
use kernel::seal::KeyRing;
use kernel::{Change, Clock, Entropy};
use whatsapp::{AppSecret, MetaAppKey, VerifyToken};

use crate::sealed_secrets::{SecretColumn, SecretSealer};
use crate::{MetaId, PreviousSecret, SealedSecrets, SecretsError};

/// A Meta app of a tenant. Its deliveries arrive at a path of its own, are signed with its own secret, and reach only the
/// accounts that are connected to it.
#[derive(Clone, Debug)]
pub struct MetaApp {
    pub id: MetaAppId,
    pub key: MetaAppKey,
    /// Meta's id of the app.
    pub app_id: MetaId,
    pub name: Option<String>,
    /// Opened only to check signatures and handshakes.
    pub secrets: SealedSecrets,
    pub handshakes: LastHandshakes,
    /// What arrived on the last day with unusable events. Known when apps are listed.
    pub unusable: Option<UnusableEvents>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// When Meta last verified the app's webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastHandshakes {
    pub succeeded_at: Option<DateTime<Utc>>,
    /// With another verify token than the app's.
    pub failed_at: Option<DateTime<Utc>>,
}

/// Events of an app on a day that cannot be parsed, or whose number is not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableEvents {
    /// In UTC.
    pub day: NaiveDate,
    pub stored: i64,
    /// Events beyond the app's quota of the day.
    pub dropped: i64,
    /// The last number that was not connected, unless it is connected now.
    pub unconnected_number: Option<UnconnectedNumber>,
}

/// A number that a delivery named and that is not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnconnectedNumber {
    /// Meta's id of the number, as the delivery has it.
    pub phone_number_id: String,
    /// When the delivery was received.
    pub at: DateTime<Utc>,
}

/// A Meta app to be created.
#[derive(Clone, Debug)]
pub struct NewMetaApp {
    pub app_id: MetaId,
    pub name: Option<String>,
    pub app_secret: AppSecret,
    pub previous_app_secret: Option<AppSecret>,
    pub verify_token: VerifyToken,
}

/// A change of a Meta app.
#[derive(Clone, Debug, Default)]
pub struct MetaAppPatch {
    pub name: Change<String>,
    /// The current secret becomes the previous one, unless the patch sets `previous_app_secret`.
    pub app_secret: Option<AppSecret>,
    pub previous_app_secret: Change<AppSecret>,
    pub verify_token: Option<VerifyToken>,
}

impl UnconnectedNumber {
    /// The number in Meta's test deliveries.
    const OF_META_TESTS: &str = "123456123";

    /// What the tenant should do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        if self.phone_number_id == Self::OF_META_TESTS {
            "The webhook works: Meta's test deliveries name this number, which does not exist. Now connect your number with \
             POST /whatsapp-accounts and this app's key."
        } else {
            "Connect the number with POST /whatsapp-accounts and this app's key: what was delivered for it is then processed. If it \
             is not yours to answer, unsubscribe the app from its WhatsApp Business Account at Meta."
        }
    }
}

impl NewMetaApp {
    /// The app with a new key and sealed secrets.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn seal(self, ring: &KeyRing, entropy: &dyn Entropy, clock: &dyn Clock) -> Result<MetaApp, SecretsError> {
        let key = MetaAppKey::generate(entropy)?;
        let sealer = SecretSealer { app: &key, ring };
        let now = clock.now();
        let previous = self.previous_app_secret.as_ref();
        let secrets = SealedSecrets {
            app_secret: sealer.seal(SecretColumn::AppSecret, self.app_secret.expose(), entropy)?,
            previous_app_secret: previous.map(|previous| sealer.seal_previous(previous, entropy, now)).transpose()?,
            verify_token: sealer.seal(SecretColumn::VerifyToken, self.verify_token.expose(), entropy)?,
        };
        Ok(MetaApp {
            id: MetaAppId::new(clock),
            key,
            app_id: self.app_id,
            name: self.name,
            secrets,
            handshakes: LastHandshakes::default(),
            unusable: None,
            created_at: now,
            updated_at: now,
        })
    }
}

impl MetaApp {
    /// Without a previous secret that has ended: it is no longer accepted, and stored only until the next change.
    #[must_use]
    pub(crate) fn without_ended_secret(mut self, now: DateTime<Utc>) -> Self {
        self.secrets = self.secrets.without_ended(now);
        self
    }

    /// Applies a patch.
    ///
    /// # Errors
    /// [`SecretsError`]. A secret that cannot be opened is an error only if it is to become the previous one.
    pub fn patch(
        self,
        patch: MetaAppPatch,
        ring: &KeyRing,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<Self, SecretsError> {
        let mut app = self.without_ended_secret(now);
        if patch.is_empty() {
            return Ok(app);
        }
        let sealer = SecretSealer { app: &app.key, ring };
        app.secrets.previous_app_secret = match patch.previous_app_secret {
            Change::Set(previous) => Some(sealer.seal_previous(&previous, entropy, now)?),
            Change::Clear => None,
            Change::Keep => app.secrets.previous_after(patch.app_secret.as_ref(), sealer, entropy, now)?,
        };
        if let Some(secret) = &patch.app_secret {
            app.secrets.app_secret = sealer.seal(SecretColumn::AppSecret, secret.expose(), entropy)?;
        }
        if let Some(token) = &patch.verify_token {
            app.secrets.verify_token = sealer.seal(SecretColumn::VerifyToken, token.expose(), entropy)?;
        }
        app.name = patch.name.of(app.name);
        app.updated_at = now;
        Ok(app)
    }
}

impl MetaAppPatch {
    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.name.is_keep()
            && self.app_secret.is_none()
            && self.previous_app_secret.is_keep()
            && self.verify_token.is_none()
    }
}

impl SealedSecrets {
    /// The previous secret after the current one is replaced. Replacing a secret by itself, as a repeated request does, keeps
    /// the previous one.
    fn previous_after(
        &self,
        next: Option<&AppSecret>,
        sealer: SecretSealer<'_>,
        entropy: &dyn Entropy,
        now: DateTime<Utc>,
    ) -> Result<Option<PreviousSecret>, SecretsError> {
        let Some(next) = next else { return Ok(self.previous_app_secret.clone()) };
        let current = sealer.open_app_secret(SecretColumn::AppSecret, &self.app_secret)?;
        if current.expose() == next.expose() {
            return Ok(self.previous_app_secret.clone());
        }
        Ok(Some(sealer.seal_previous(&current, entropy, now)?))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{SystemClock, SystemEntropy};
    use whatsapp::{AppSecrets, Handshake, Signature, verify_signature};

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

    /// The secrets whose signatures the app's credentials accept now.
    fn accepted<'s>(app: &MetaApp, secrets: &[&'s str]) -> Vec<&'s str> {
        accepted_at(SystemClock::new().now(), app, secrets)
    }

    fn accepted_at<'s>(now: DateTime<Utc>, app: &MetaApp, secrets: &[&'s str]) -> Vec<&'s str> {
        let credentials = app.secrets.open(&app.key, &ring(7), now).unwrap();
        let accepts = |text: &&str| {
            let header = AppSecrets::new(&secret(text), None).sign(b"body").unwrap();
            let signature = Signature::parse(header.as_bytes()).unwrap();
            verify_signature(Some(&credentials.secrets), &signature, b"body").is_ok()
        };
        secrets.iter().copied().filter(accepts).collect()
    }

    #[test]
    fn replaced_secret_becomes_the_previous_one() {
        let all = ["first", "second", "third"];
        let app = app();
        assert_eq!(accepted(&app, &all), ["first"]);
        let app = rotated(&app, "second");
        assert_eq!(accepted(&app, &all), ["first", "second"]);
        // Once more, as a repeated request does.
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
    fn previous_secret_ends_eight_days_after_the_rotation() {
        let (entropy, clock) = (SystemEntropy::new(), SystemClock::new());
        let (all, rotated_at) = (["first", "second"], clock.now());
        let rotation = MetaAppPatch { app_secret: Some(secret("second")), ..MetaAppPatch::default() };
        let app = app().patch(rotation.clone(), &ring(7), &entropy, rotated_at).unwrap();
        let end = rotated_at + TimeDelta::days(8);
        assert_eq!(app.secrets.previous_app_secret.as_ref().map(|previous| previous.ends_at), Some(end));
        let just_before = end - TimeDelta::seconds(1);
        assert_eq!(accepted_at(just_before, &app, &all), all);
        assert_eq!(accepted_at(end, &app, &all), ["second"]);
        // Neither a repeated request nor a change of another field extends it.
        let renamed = MetaAppPatch { name: Change::Set("Shop".to_owned()), ..MetaAppPatch::default() };
        for patch in [rotation, renamed, MetaAppPatch::default()] {
            let changed = app.clone().patch(patch.clone(), &ring(7), &entropy, just_before).unwrap();
            assert_eq!(changed.secrets.previous_app_secret.map(|previous| previous.ends_at), Some(end));
            let changed = app.clone().patch(patch, &ring(7), &entropy, end).unwrap();
            assert!(changed.secrets.previous_app_secret.is_none());
        }
        assert!(app.clone().without_ended_secret(just_before).secrets.previous_app_secret.is_some());
        assert!(app.without_ended_secret(end).secrets.previous_app_secret.is_none());
    }

    #[test]
    fn sealed_secret_opens_for_its_app_and_column_only() {
        let (app, other) = (rotated(&app(), "second"), app());
        let now = SystemClock::new().now();
        assert!(app.secrets.open(&other.key, &ring(7), now).is_err());
        assert!(app.secrets.open(&app.key, &ring(8), now).is_err());
        let previous = app.secrets.previous_app_secret.clone().unwrap().sealed;
        let moved = SealedSecrets { app_secret: previous, ..app.secrets.clone() };
        assert!(moved.open(&app.key, &ring(7), now).is_err());
        let moved = SealedSecrets { verify_token: app.secrets.app_secret.clone(), ..app.secrets.clone() };
        assert!(moved.open(&app.key, &ring(7), now).is_err());
    }

    #[test]
    fn unreadable_secrets_can_be_replaced() {
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
        let token = app.secrets.open(&app.key, &ring(8), now).unwrap().verify_token;
        let asked = [("hub.mode", "subscribe"), ("hub.challenge", "1"), ("hub.verify_token", "other")];
        let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(Handshake::from_query(&asked).unwrap().answer(Some(&token)).unwrap(), "1");
    }

    #[test]
    fn empty_patch_changes_nothing() {
        let app = app();
        assert_eq!(patched(&app, MetaAppPatch::default()).updated_at, app.updated_at);
    }
}
