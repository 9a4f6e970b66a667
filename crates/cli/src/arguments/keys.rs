use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Start replacing the active key
    ///
    /// The next key is published now and signs after `signing.publish_seconds`. Does nothing if a next key is already published.
    /// Keys are also rotated automatically after `signing.active_days`.
    Rotate,
    /// Revoke a key at once: no token that it signed is accepted any more
    ///
    /// For a key that may have been stolen. If it is the active key, another key becomes active. Sessions continue: clients get
    /// new tokens with their refresh tokens.
    Revoke {
        /// The key's id, as `list` shows it
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
    },
    /// List the keys, oldest first
    List,
    /// Encrypt the keys, and the secrets of tenants' Meta apps, with the first key of `keys.encryption`
    ///
    /// Afterwards the other keys are not needed for them. Before, all processes must have the new key.
    Reseal,
}
