//! Merges the sources of the settings.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgMatches, Args as _, Command};

use super::errors::ConfigErrors;
use super::file;
use super::key::Key;
use super::settings::Settings;

/// The id of the argument that names the configuration file, `--config`.
pub(crate) const CONFIG_FILE: &str = "config";

/// The parsed command line with each setting from its highest-ranking source.
#[derive(Debug)]
pub struct Sources {
    pub(crate) command: Command,
    pub matches: ArgMatches,
    /// Errors of the files. Values are validated by [`Settings`].
    pub errors: ConfigErrors,
}

/// Reads flags, else environment variables, else files named by `PARLEY_..._FILE`, else the configuration file, else
/// defaults. The command's own arguments are the schema: files only change their defaults.
///
/// # Errors
/// [`clap::Error`] for an invalid command line, and for `--help` and `--version`.
pub fn read(
    command: Command,
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Sources, clap::Error> {
    let names = names();
    let command =
        command.mut_args(
            |argument| {
                if is_setting(&names, &argument) { with_environment_variable(argument) } else { argument }
            },
        );
    let first = command.clone().try_get_matches_from(arguments.clone())?;

    let mut errors = ConfigErrors::default();
    let mut values = match first.get_one::<std::path::PathBuf>(CONFIG_FILE) {
        Some(path) => file::read(path, &names, &mut errors),
        None => file::Values::new(),
    };
    for argument in command.get_arguments().filter(|argument| is_setting(&names, argument) && is_secret(argument)) {
        let name = argument.get_id().as_str();
        if let Some(value) = secret_file(Key(name), &environment, &mut errors) {
            values.insert(name.to_owned(), value);
        }
    }

    let with_files = command.clone().mut_args(|argument| match values.remove(argument.get_id().as_str()) {
        Some(value) => argument.default_value(value),
        None => argument,
    });
    let matches = with_files.try_get_matches_from(arguments)?;
    Ok(Sources { command, matches, errors })
}

/// The names of all settings.
pub(crate) fn names() -> Vec<String> {
    let schema = Settings::augment_args(Command::new(""));
    schema.get_arguments().map(|argument| argument.get_id().to_string()).collect()
}

fn is_setting(names: &[String], argument: &Arg) -> bool {
    names.iter().any(|name| argument.get_id() == name.as_str())
}

/// Marked by `hide_env_values`, which `--help` needs anyway.
pub(crate) fn is_secret(argument: &Arg) -> bool {
    argument.is_hide_env_values_set()
}

/// Lets the setting be given with every subcommand and by its environment variable.
fn with_environment_variable(argument: Arg) -> Arg {
    let variable = Key(argument.get_id().as_str()).environment_variable();
    argument.global(true).env(variable)
}

/// The content of the file that `PARLEY_..._FILE` names, without the line break at its end.
fn secret_file(
    key: Key<'_>,
    environment: &impl Fn(&str) -> Option<OsString>,
    errors: &mut ConfigErrors,
) -> Option<String> {
    let variable = key.file_variable();
    let path = environment(&variable).filter(|path| !path.is_empty())?;
    if environment(&key.environment_variable()).is_some_and(|value| !value.is_empty()) {
        errors.add(format!("{} and {variable} are both set: remove one", key.environment_variable()));
        return None;
    }
    match std::fs::read_to_string(Path::new(&path)) {
        Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => {
            errors.add(format!("reading the file {} named by {variable} failed: {error}", path.display()));
            None
        }
    }
}
