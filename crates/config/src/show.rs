use std::fmt::Write as _;

use clap::Arg;
use clap::parser::ValueSource;

use super::key::Key;
use super::source::{Sources, is_secret, names};

/// The effective configuration as a TOML file: each setting with its source, secrets masked, unset ones as comments.
#[must_use]
pub fn show(sources: &Sources) -> String {
    let mut text = String::new();
    let mut current = "";
    for name in &names() {
        let Some(argument) = sources.command.get_arguments().find(|argument| argument.get_id() == name.as_str()) else {
            continue;
        };
        let (section, name) = Key(argument.get_id().as_str()).section_and_name();
        if section != current {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}[{section}]", if current.is_empty() { "" } else { "\n" });
            current = section;
        }
        let _ = match value(sources, argument) {
            Some((value, source)) => writeln!(text, "{name} = {value} # {source}"),
            None => writeln!(text, "# {name} is not set"),
        };
    }
    text
}

fn value(sources: &Sources, argument: &Arg) -> Option<(String, &'static str)> {
    let id = argument.get_id().as_str();
    let value = sources.matches.get_raw(id)?.next()?.to_string_lossy().into_owned();
    let is_default = argument.get_default_values().iter().any(|default| *default == *value);
    let source = match sources.matches.value_source(id)? {
        ValueSource::CommandLine => "command line",
        ValueSource::EnvVariable => "environment",
        _ if is_default => "default",
        _ => "file",
    };
    let value = if is_secret(argument) { "\"***\"".to_owned() } else { toml_value(&value) };
    Some((value, source))
}

/// Numbers and booleans bare, the rest as a basic string (TOML 1.0, "String").
fn toml_value(value: &str) -> String {
    if value.parse::<i64>().is_ok_and(|number| number.to_string() == value) || value.parse::<bool>().is_ok() {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_written_as_toml() {
        assert_eq!(toml_value("16"), "16");
        assert_eq!(toml_value("true"), "true");
        assert_eq!(toml_value("+16"), r#""+16""#);
        assert_eq!(toml_value("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}
