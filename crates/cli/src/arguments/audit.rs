use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check the seals of audit logs: whether a record was changed, removed or added
    ///
    /// Exits with 1 if something was found. Needs the key-encryption keys that the records were sealed with.
    Verify {
        /// Id or slug of the tenant
        #[arg(long, value_name = "TENANT")]
        tenant: String,
    },
}
