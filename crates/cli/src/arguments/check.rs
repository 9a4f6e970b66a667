use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Tell what is weak, but do not fail for it
    #[arg(long)]
    pub(crate) allow_weak: bool,
}
