use clap::Args;
use tokens::ProvisioningKeyHash;

use super::errors::ConfigErrors;
use super::key::Key;
use super::warnings::ConfigWarnings;

/// What users may do without an operator, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Tenants")]
#[group(skip)]
pub(super) struct TenantsSettings {
    /// Whether anyone may create a tenant by signing up: `open` or `closed`
    #[arg(long, value_name = "MODE", default_value = "open")]
    signup_mode: String,
    /// Whether anyone may register as a user of a tenant that allows it: `open` or `closed`. Who registers has no role until an
    /// administrator assigns one
    #[arg(long, value_name = "MODE", default_value = "open")]
    registration_mode: String,
    /// Whether a claimed WhatsApp number is active at once (`true`) or after an operator approved it (`false`); use `true` only
    /// if all tenants trust each other
    #[arg(long, value_name = "BOOL", default_value = "false")]
    channels_self_service: String,
    /// SHA-256 of an operator's key that is not stored in the database, in hexadecimal digits, as
    /// `parley provisioning-key bootstrap` prints it. The key has all scopes; remove it once there are stored keys
    #[arg(long, value_name = "SHA256")]
    provisioning_bootstrap_key_hash: Option<String>,
}

/// What users may do without an operator.
#[derive(Clone, Debug)]
pub struct TenantsConfig {
    pub signup_open: bool,
    /// Whether tenants may let people register.
    pub registration_open: bool,
    pub self_service: bool,
    pub bootstrap_key: Option<ProvisioningKeyHash>,
}

impl TenantsSettings {
    /// What strangers may do.
    pub(super) fn openings(&self) -> impl Iterator<Item = &'static str> {
        let signup = (self.signup_mode == "open").then_some("anyone can sign up and get a tenant (signup.mode)");
        let registration = (self.registration_mode == "open").then_some(
            "anyone can register as a user without a role, in tenants that have not closed it (registration.mode)",
        );
        signup.into_iter().chain(registration)
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        if self.signup_mode == "open" && self.channels_self_service == "true" {
            warnings.add(
                Key("channels_self_service"),
                "is true while signup.mode is open: anyone can sign up, claim any number and receive its messages",
            );
        }
    }

    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<TenantsConfig> {
        let mut is_open = |key, mode: &str| match mode {
            "open" => Some(true),
            "closed" => Some(false),
            other => {
                errors.invalid(Key(key), other, "`open` or `closed`");
                None
            }
        };
        let signup_open = is_open("signup_mode", &self.signup_mode);
        let registration_open = is_open("registration_mode", &self.registration_mode);
        let self_service = errors.parse(Key("channels_self_service"), &self.channels_self_service, "`true` or `false`");
        let bootstrap_key = match self.provisioning_bootstrap_key_hash.as_deref() {
            None | Some("") => Some(None),
            Some(text) => errors.parse(Key("provisioning_bootstrap_key_hash"), text, "64 hexadecimal digits").map(Some),
        };
        Some(TenantsConfig {
            signup_open: signup_open?,
            registration_open: registration_open?,
            self_service: self_service?,
            bootstrap_key: bootstrap_key?,
        })
    }
}
