use clap::Args;
use secrecy::SecretString;
use whatsapp::{AppSecret, AppSecrets, EmptySecret, VerifyToken};

use super::errors::{ConfigErrors, non_empty};
use super::key::Key;
use super::warnings::ConfigWarnings;

/// The deployment's own Meta app, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "WhatsApp")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct WhatsAppSettings {
    /// The Meta app's secret, with which Meta signs webhook deliveries
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_app_secret: Option<SecretString>,
    /// The app's previous secret, accepted while deliveries may still be signed with it
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_previous_app_secret: Option<SecretString>,
    /// The "verify token" entered where the webhook is registered with Meta
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    whatsapp_verify_token: Option<SecretString>,
}

/// The deployment's own Meta app.
#[derive(Clone, Debug)]
pub struct WhatsAppConfig {
    pub secrets: AppSecrets,
    pub verify_token: VerifyToken,
}

const APP_SECRET: Key<'_> = Key("whatsapp_app_secret");
const VERIFY_TOKEN: Key<'_> = Key("whatsapp_verify_token");

impl WhatsAppSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<WhatsAppConfig> {
        let secrets = self.check_secrets(errors);
        let verify_token = errors.require(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
        let verify_token = accepted(errors, VERIFY_TOKEN, VerifyToken::new(verify_token?.clone()));
        Some(WhatsAppConfig { secrets: secrets?, verify_token: verify_token? })
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        warnings.secret(APP_SECRET, self.whatsapp_app_secret.as_ref());
        warnings.secret(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
    }

    pub(super) fn check_secrets(&self, errors: &mut ConfigErrors) -> Option<AppSecrets> {
        let current = errors.require(APP_SECRET, self.whatsapp_app_secret.as_ref())?;
        let current = accepted(errors, APP_SECRET, AppSecret::new(current.clone()))?;
        let previous = match non_empty(self.whatsapp_previous_app_secret.as_ref()) {
            None => None,
            Some(secret) => {
                let secret = AppSecret::new(secret.clone());
                Some(accepted(errors, Key("whatsapp_previous_app_secret"), secret)?)
            }
        };
        Some(AppSecrets::new(&current, previous.as_ref()))
    }
}

fn accepted<T>(errors: &mut ConfigErrors, key: Key<'_>, result: Result<T, EmptySecret>) -> Option<T> {
    result.inspect_err(|reason| errors.invalid_secret(key, reason)).ok()
}
