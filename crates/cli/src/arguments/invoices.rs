use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum InvoicesCommand {
    /// Close ended billing periods, each with an invoice, and mark overdue subscriptions as past due
    ///
    /// The scheduler does the same every minute. A period is closed exactly once, an hour after its end.
    Close {
        /// Id or slug of one tenant [default: all of them]
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}
