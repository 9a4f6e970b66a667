use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum MediaCommand {
    /// Compare the files in the database with the object store
    ///
    /// Prints each object that files have and the store has not, or has with another size, and each object that no file has.
    /// Changes nothing, and may run while a server runs. Exits with 0 if each file can be read, else with 1.
    Check,
}
