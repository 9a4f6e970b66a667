use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::key::Key;
use super::mistakes::Mistakes;

/// The values of the configuration file by the name of their setting, `[http] listen` as `http_listen`.
pub(crate) type Values = BTreeMap<String, String>;

/// Reads the file. What is wrong with it is noted; the rest of it counts.
pub(crate) fn read(path: &Path, known: &[String], mistakes: &mut Mistakes) -> Values {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path, known, mistakes),
        Err(error) => {
            mistakes.add(format!("the configuration file {} cannot be read: {error}", path.display()));
            Values::new()
        }
    }
}

fn parse(text: &str, path: &Path, known: &[String], mistakes: &mut Mistakes) -> Values {
    let mut values = Values::new();
    let tables = match text.parse::<Table>() {
        Ok(tables) => tables,
        Err(error) => {
            // Its own text would show the line, which may hold a secret.
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            mistakes.add(format!("{} is no TOML: line {line}: {}", path.display(), error.message()));
            return values;
        }
    };
    for (section, table) in tables {
        let Value::Table(table) = table else {
            mistakes.add(format!("{} has an unknown key: {section}", path.display()));
            continue;
        };
        for (name, value) in table {
            let known = known.iter().find(|id| Key(id).section_and_name() == (section.as_str(), name.as_str()));
            match (known, plain(&value)) {
                (Some(id), Some(value)) => {
                    values.insert(id.clone(), value);
                }
                (Some(_), None) => {
                    mistakes.add(format!("{section}.{name} must be a string, a number or a boolean"));
                }
                (None, _) => mistakes.add(format!("{} has an unknown key: {section}.{name}", path.display())),
            }
        }
    }
    values
}

fn plain(value: &Value) -> Option<String> {
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
        let mut mistakes = Mistakes::default();
        let known = ["http_listen", "http_metrics_listen", "database_tenant_connections"].map(str::to_owned);
        let values = parse(text, Path::new("parley.toml"), &known, &mut mistakes);
        (values, mistakes.to_string())
    }

    #[test]
    fn a_table_and_a_name_make_a_setting() {
        let (values, _) = read("[http]\nlisten = 'a'\nmetrics_listen = 'b'\n[database]\ntenant_connections = 3");
        let expected = [("database_tenant_connections", "3"), ("http_listen", "a"), ("http_metrics_listen", "b")];
        assert_eq!(values, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn every_unknown_key_is_named() {
        let (values, mistakes) = read("loose = 1\n[http]\nlisten = ['a']\nlisen = 'b'\n[http_metrics]\nlisten = 'c'");
        assert!(values.is_empty());
        for part in ["4 mistakes", "key: loose", "http.listen must be", "key: http.lisen", "key: http_metrics.listen"] {
            assert!(mistakes.contains(part), "{part} is not in {mistakes}");
        }
    }

    #[test]
    fn a_syntax_error_shows_its_line_but_not_what_is_on_it() {
        let (_, mistakes) = read("[database]\nurl = postgres://parley:hunter2@host/");
        assert!(mistakes.contains("line 2") && !mistakes.contains("hunter2"), "{mistakes}");
    }
}
