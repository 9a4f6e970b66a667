use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print weak settings, but do not fail because of them
    #[arg(long)]
    pub(crate) allow_weak: bool,
}
