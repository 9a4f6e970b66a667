use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Begin to replace the key that signs
    ///
    /// The next one is published now and signs after `signing.publish_seconds`. Does nothing if that has begun already: keys
    /// are replaced after `signing.active_days` by themselves.
    Rotate,
    /// End the trust in a key at once: no token that it signed is accepted any more
    ///
    /// For a key that somebody may have stolen. If it is the one that signs, another one does from now on. Sessions go on:
    /// clients get tokens of the new key by their refresh tokens.
    Revoke {
        /// The key's id, as `list` shows it
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
    },
    /// List the keys, oldest first
    List,
    /// Seal the keys, and the secrets of tenants' own Meta apps, with the first of `keys.encryption`
    ///
    /// The others are not needed for them any more then. Before, all processes must have the new one.
    Reseal,
}
