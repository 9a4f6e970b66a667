use clap::Args;
use inbound::{AppSecret, AppSecrets, EmptySecret, VerifyToken};
use secrecy::SecretString;

use super::key::Key;
use super::mistakes::{Mistakes, present};
use super::weaknesses::Weaknesses;

/// The deployment's own Meta app, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "WhatsApp")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct WhatsAppSettings {
    /// The secret of the Meta app, which its deliveries are signed with
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_app_secret: Option<SecretString>,
    /// The secret it had before it was reset, while deliveries may still be signed with it
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    whatsapp_previous_app_secret: Option<SecretString>,
    /// What is entered as "verify token" where the webhook is registered with Meta
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
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<WhatsAppConfig> {
        let secrets = self.check_secrets(mistakes);
        let verify_token = mistakes.require(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
        let verify_token = accepted(mistakes, VERIFY_TOKEN, VerifyToken::new(verify_token?.clone()));
        Some(WhatsAppConfig { secrets: secrets?, verify_token: verify_token? })
    }

    pub(crate) fn weaknesses(&self, weaknesses: &mut Weaknesses) {
        weaknesses.secret(APP_SECRET, self.whatsapp_app_secret.as_ref());
        weaknesses.secret(VERIFY_TOKEN, self.whatsapp_verify_token.as_ref());
    }

    pub(crate) fn check_secrets(&self, mistakes: &mut Mistakes) -> Option<AppSecrets> {
        let current = mistakes.require(APP_SECRET, self.whatsapp_app_secret.as_ref())?;
        let current = accepted(mistakes, APP_SECRET, AppSecret::new(current.clone()))?;
        let previous = match present(self.whatsapp_previous_app_secret.as_ref()) {
            None => None,
            Some(secret) => {
                let secret = AppSecret::new(secret.clone());
                Some(accepted(mistakes, Key("whatsapp_previous_app_secret"), secret)?)
            }
        };
        Some(AppSecrets::new(&current, previous.as_ref()))
    }
}

fn accepted<T>(mistakes: &mut Mistakes, key: Key<'_>, result: Result<T, EmptySecret>) -> Option<T> {
    result.inspect_err(|reason| mistakes.wrong_secret(key, reason)).ok()
}
