use chrono::{DateTime, Utc};
use clap::Subcommand;
use kernel::ids::ProvisioningKeyId;
use tokens::{KeyScope, ProvisioningKey};

#[derive(Debug, Subcommand)]
pub(crate) enum ProvisioningKeyCommand {
    /// Create a key for an operator's program and print it once
    Create {
        /// Name of the key, such as the program that uses it
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: String,
        /// Scopes of the key: tenants:read, tenants:write, keys:rotate, audit:read, events:read, channels:read,
        /// channels:write, billing:write
        #[arg(long, value_name = "SCOPE,...", value_delimiter = ',', required = true)]
        scopes: Vec<KeyScope>,
        /// Expiry, such as 2027-01-31T00:00:00Z [default: never]
        #[arg(long, value_name = "TIME")]
        expires_at: Option<DateTime<Utc>>,
    },
    /// Create a key for the configuration and print it once with its hash; nothing is stored
    Bootstrap,
    /// List the keys without their secrets, newest first
    List,
    /// Revoke a key at once
    Revoke {
        /// The key's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: ProvisioningKeyId,
    },
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits =
        (1..=ProvisioningKey::MAX_NAME_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("must have 1 to {} characters", ProvisioningKey::MAX_NAME_CHARS))
    }
}
