use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the seals of an audit log: whether a record was changed, removed, added or forged
    ///
    /// Exits with 1 if the log was tampered with. Requires the key-encryption keys that the records were sealed with.
    Verify {
        /// Id or slug of the tenant whose log is verified
        #[arg(long, value_name = "TENANT", required_unless_present = "platform", conflicts_with = "platform")]
        tenant: Option<String>,
        /// Verify the operators' log
        #[arg(long)]
        platform: bool,
    },
}
