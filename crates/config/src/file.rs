use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::errors::ConfigErrors;
use super::key::Key;

/// The values of the configuration file by the name of their setting, `[http] listen` as `http_listen`.
pub(crate) type Values = BTreeMap<String, String>;

/// Reads the file. Its errors are recorded; its valid entries are returned.
pub(crate) fn read(path: &Path, known: &[String], errors: &mut ConfigErrors) -> Values {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path, known, errors),
        Err(error) => {
            errors.add(format!("reading the configuration file {} failed: {error}", path.display()));
            Values::new()
        }
    }
}

fn parse(text: &str, path: &Path, known: &[String], errors: &mut ConfigErrors) -> Values {
    let mut values = Values::new();
    let tables = match text.parse::<Table>() {
        Ok(tables) => tables,
        Err(error) => {
            // The error's Display shows the line, which may hold a secret.
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            errors.add(format!("{} is not valid TOML: line {line}: {}", path.display(), error.message()));
            return values;
        }
    };
    for (section, table) in tables {
        let Value::Table(table) = table else {
            errors.add(format!("{} has an unknown key: {section}", path.display()));
            continue;
        };
        for (name, value) in table {
            let known = known.iter().find(|id| Key(id).section_and_name() == (section.as_str(), name.as_str()));
            match (known, scalar(&value)) {
                (Some(id), Some(value)) => {
                    values.insert(id.clone(), value);
                }
                (Some(_), None) => {
                    errors.add(format!("{section}.{name} must be a string, a number or a boolean"));
                }
                (None, _) => errors.add(format!("{} has an unknown key: {section}.{name}", path.display())),
            }
        }
    }
    values
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Values, String) {
        let mut errors = ConfigErrors::default();
        let known = ["http_listen", "http_metrics_listen", "database_tenant_connections"].map(str::to_owned);
        let values = parse(text, Path::new("parley.toml"), &known, &mut errors);
        (values, errors.to_string())
    }

    #[test]
    fn table_and_name_make_a_setting() {
        let (values, _) = read("[http]\nlisten = 'a'\nmetrics_listen = 'b'\n[database]\ntenant_connections = 3");
        let expected = [("database_tenant_connections", "3"), ("http_listen", "a"), ("http_metrics_listen", "b")];
        assert_eq!(values, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn unknown_keys_are_all_reported() {
        let (values, errors) = read("loose = 1\n[http]\nlisten = ['a']\nlisen = 'b'\n[http_metrics]\nlisten = 'c'");
        assert!(values.is_empty());
        for part in ["4 errors", "key: loose", "http.listen must be", "key: http.lisen", "key: http_metrics.listen"] {
            assert!(errors.contains(part), "{part} is not in {errors}");
        }
    }

    #[test]
    fn syntax_error_shows_line_number_but_not_content() {
        let (_, errors) = read("[database]\nurl = postgres://parley:hunter2@host/");
        assert!(errors.contains("line 2") && !errors.contains("hunter2"), "{errors}");
    }
}
