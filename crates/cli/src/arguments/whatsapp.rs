use std::path::PathBuf;

use clap::Args;
use kernel::ids::AccountId;

/// One number of a tenant.
#[derive(Debug, Args)]
pub(crate) struct SetTokenArgs {
    /// Id or slug of the tenant
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: String,
    /// The account's id, as `list` shows it
    #[arg(long, value_name = "ID", required_unless_present = "number", conflicts_with = "number")]
    pub(crate) account: Option<AccountId>,
    /// Meta's id of the number
    #[arg(long, value_name = "DIGITS")]
    pub(crate) number: Option<String>,
    /// A file with the token [default: standard input, unless `PARLEY_ACCESS_TOKEN` is set]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Numbers of a tenant.
#[derive(Debug, Args)]
pub(crate) struct SelectedNumbers {
    /// Id or slug of the tenant
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: String,
    /// The account's id, as `list` shows it [default: all that are not disconnected]
    #[arg(long, value_name = "ID", conflicts_with = "number")]
    pub(crate) account: Option<AccountId>,
    /// Meta's id of the number
    #[arg(long, value_name = "DIGITS")]
    pub(crate) number: Option<String>,
}
