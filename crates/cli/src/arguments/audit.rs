use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the seals of an audit log: whether a record was changed, removed or added
    ///
    /// Exits with 1 if the log was tampered with. Requires the key-encryption keys that the records were sealed with.
    Verify {
        /// Id or slug of the tenant
        #[arg(long, value_name = "TENANT")]
        tenant: String,
    },
}
