use clap::Subcommand;
use kernel::ids::ApiKeyId;

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// List a tenant's keys without their secrets, newest first
    List {
        /// Id or slug of the tenant
        #[arg(long, value_name = "TENANT")]
        tenant: String,
    },
    /// Revoke a key at once
    Revoke {
        /// The key's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: ApiKeyId,
        /// Id or slug of the tenant
        #[arg(long, value_name = "TENANT")]
        tenant: String,
    },
}
