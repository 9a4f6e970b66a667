use std::io;

use config::ConfigErrors;

use super::adapters::AdapterError;
use super::{
    api_key, audit, check, demo, events, healthcheck, invoices, keys, media, plans, provisioning_key, send_sample,
    whatsapp, whatsapp_token,
};

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("the runtime cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error("writing to standard output failed: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Check(#[from] check::CheckError),
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    #[error(transparent)]
    Events(#[from] events::EventsError),
    #[error(transparent)]
    Invoices(#[from] invoices::InvoicesError),
    #[error(transparent)]
    Media(#[from] media::MediaError),
    #[error(transparent)]
    Plans(#[from] plans::PlansError),
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    #[error(transparent)]
    ApiKey(#[from] api_key::ApiKeyError),
    #[error(transparent)]
    ProvisioningKey(#[from] provisioning_key::ProvisioningKeyError),
    #[error(transparent)]
    WhatsApp(#[from] whatsapp::WhatsAppError),
    #[error(transparent)]
    WhatsAppToken(#[from] whatsapp_token::TokenError),
    #[error(transparent)]
    Sample(#[from] send_sample::SampleError),
    #[error(transparent)]
    Health(#[from] healthcheck::HealthError),
}
