use clap::Args;
use tokens::ProvisioningKeyHash;

use super::key::Key;
use super::mistakes::Mistakes;
use super::weaknesses::Weaknesses;

/// What people may do without an operator, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Tenants")]
#[group(skip)]
pub(super) struct TenantsSettings {
    /// Whether anyone may make a tenant by signing up: `open` or `closed`
    #[arg(long, value_name = "MODE", default_value = "open")]
    signup_mode: String,
    /// Whether a claimed WhatsApp number is active at once (`true`), which only a deployment of a single company may do;
    /// otherwise an operator approves it
    #[arg(long, value_name = "BOOL", default_value = "false")]
    channels_self_service: String,
    /// What is known of an operators' key that is in no database: its SHA-256 in hexadecimal digits, as
    /// `parley provisioning-key bootstrap` shows it. The key may do all that operators do; leave it out where there are others
    #[arg(long, value_name = "SHA256")]
    provisioning_bootstrap_key_hash: Option<String>,
}

/// What people may do without an operator.
#[derive(Clone, Debug)]
pub struct TenantsConfig {
    pub signup_open: bool,
    pub self_service: bool,
    pub bootstrap_key: Option<ProvisioningKeyHash>,
}

impl TenantsSettings {
    pub(crate) fn weaknesses(&self, weaknesses: &mut Weaknesses) {
        if self.signup_mode == "open" && self.channels_self_service == "true" {
            weaknesses.add(
                Key("channels_self_service"),
                "is true while signup.mode is open: whoever signs up can claim any number and receive its messages",
            );
        }
    }

    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<TenantsConfig> {
        let signup_open = match self.signup_mode.as_str() {
            "open" => Some(true),
            "closed" => Some(false),
            other => {
                mistakes.wrong(Key("signup_mode"), other, "`open` or `closed`");
                None
            }
        };
        let self_service =
            mistakes.parse(Key("channels_self_service"), &self.channels_self_service, "`true` or `false`");
        let bootstrap_key = match self.provisioning_bootstrap_key_hash.as_deref() {
            None | Some("") => Some(None),
            Some(text) => {
                mistakes.parse(Key("provisioning_bootstrap_key_hash"), text, "64 hexadecimal digits").map(Some)
            }
        };
        Some(TenantsConfig { signup_open: signup_open?, self_service: self_service?, bootstrap_key: bootstrap_key? })
    }
}
