use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// Tell what is weak, but do not fail for it
    #[arg(long)]
    pub(in crate::cli) allow_weak: bool,
}
