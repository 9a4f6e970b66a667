use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum InvoicesCommand {
    /// Close the periods that have ended, each with an invoice, and note who has not paid in time
    ///
    /// The scheduler does the same each minute. A period is closed once, whoever does it, an hour after its end.
    Close {
        /// Id or slug of one tenant [default: all of them]
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}
