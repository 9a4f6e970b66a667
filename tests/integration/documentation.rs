//! The documents name tests, files, things in files, and log messages that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names with one of these endings are files.
const FILE_ENDINGS: [&str; 9] = [".rs", ".md", ".sql", ".toml", ".yml", ".yaml", ".json", ".txt", ".svg"];
/// Paths that begin with one of these are below the repository's root.
const TOP_LEVEL: [&str; 5] = ["crates/", "tests/", "deploy/", "migrations/", ".ci/"];

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn integration() -> PathBuf {
    repository().join("tests/integration")
}

/// The READMEs of the tests and of all crates.
fn readmes() -> Vec<PathBuf> {
    let crates = repository().join("crates");
    let of_crates = fs::read_dir(&crates).unwrap().map(|entry| entry.unwrap().path().join("README.md"));
    let all = of_crates.chain([crates.join("README.md"), repository().join("tests/README.md")]);
    all.filter(|path| path.exists()).collect()
}

/// The texts in single backticks outside of fenced code.
fn code_spans(markdown: &str) -> Vec<&str> {
    let outside_fences = markdown.split("\n```").step_by(2);
    outside_fences.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

/// A path below the repository's root or beside the README; patterns, URLs and HTTP paths are none.
fn is_file_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    span.contains('/')
        && !span.starts_with('/')
        && span.chars().all(plain)
        && (TOP_LEVEL.iter().any(|top| span.starts_with(top))
            || FILE_ENDINGS.iter().any(|ending| span.ends_with(ending)))
}

/// A path of modules of this binary, such as `inbox::slow_tenant_does_not_delay_others` or `inbox::*`.
fn is_test_path(span: &str) -> bool {
    span.contains("::") && span.chars().all(|c| c.is_ascii_alphanumeric() || "_:*".contains(c))
}

/// Whether a module has this function or module, or for `*` any test.
fn has(module: &str, item: &str) -> bool {
    let path = integration().join(module.replace("::", "/"));
    let text = fs::read_to_string(path.with_extension("rs")).unwrap_or_default();
    match item {
        "*" => path.is_dir() || text.contains("::test") || text.contains("#[test]"),
        item => ["fn {}(", "fn {}<", "mod {};"].iter().any(|form| text.contains(&form.replace("{}", item))),
    }
}

fn exists(readme: &Path, path: &str) -> bool {
    repository().join(path).exists() || readme.parent().is_some_and(|directory| directory.join(path).exists())
}

/// The names in phrases such as "`Row`, `NewRow` and `UpdateRow` in `src/contact.rs`", each with the path of the file.
fn names_in_files(markdown: &str) -> Vec<(&str, &str)> {
    let is_name = |span: &str| span.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    let is_source_path = |span: &str| is_file_path(span) && [".rs", ".sql"].iter().any(|end| span.ends_with(end));
    let mut found = Vec::new();
    for text in markdown.split("\n```").step_by(2) {
        // Spans are at odd indices, the texts between them at even ones.
        let parts: Vec<&str> = text.split('`').collect();
        for at in (3..parts.len()).step_by(2).filter(|at| parts[at - 1].trim() == "in" && is_source_path(parts[*at])) {
            let mut name = at - 2;
            found.push((parts[name], parts[at]));
            while name >= 2 && [",", "and"].contains(&parts[name - 1].trim()) {
                name -= 2;
                found.push((parts[name], parts[at]));
            }
        }
    }
    found.retain(|(name, _)| is_name(name));
    found
}

#[test]
fn names_in_files_of_readmes_exist() {
    let mut missing = Vec::new();
    let mut named = 0;
    for readme in readmes() {
        let text = fs::read_to_string(&readme).unwrap();
        for (name, path) in names_in_files(&text) {
            let beside = readme.parent().unwrap().join(path);
            let file = fs::read_to_string(repository().join(path)).or_else(|_| fs::read_to_string(beside));
            let last = name.rsplit("::").next().unwrap_or(name);
            if !file.is_ok_and(|file| file.contains(last)) {
                missing.push(format!("{}: {name} in {path}", readme.display()));
            }
            named += 1;
        }
    }
    assert!(named > 30, "only {named} names are given with their file");
    assert!(missing.is_empty(), "READMEs name what is not in the file: {missing:#?}");
}

#[test]
fn tests_named_in_readme_exist() {
    let readme = fs::read_to_string(repository().join("tests/README.md")).unwrap();
    let named: Vec<&str> = code_spans(&readme).into_iter().filter(|span| is_test_path(span)).collect();
    let missing: Vec<&&str> = named
        .iter()
        .filter(|path| path.rsplit_once("::").is_none_or(|(module, item)| !has(module, item)))
        .filter(|path| !path.starts_with("kernel::"))
        .collect();
    assert!(named.len() > 60, "only {} tests are named", named.len());
    assert!(missing.is_empty(), "tests/README.md names what does not exist: {missing:#?}");
}

#[test]
fn files_named_in_readmes_exist() {
    let mut missing = Vec::new();
    for readme in readmes() {
        let text = fs::read_to_string(&readme).unwrap();
        let paths = code_spans(&text).into_iter().filter(|span| is_file_path(span));
        missing.extend(paths.filter(|path| !exists(&readme, path)).map(|path| format!("{}: {path}", readme.display())));
    }
    assert!(missing.is_empty(), "READMEs name files that do not exist: {missing:#?}");
}

/// Every document that may quote a log message.
fn documents() -> Vec<PathBuf> {
    let mut all = readmes();
    all.push(repository().join("README.md"));
    for directory in ["deploy", "crates/http/handbook"] {
        let files = fs::read_dir(repository().join(directory)).unwrap().map(|entry| entry.unwrap().path());
        all.extend(files.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    all
}

/// The log messages that a document quotes: after `.message ==`, and in quotes in a sentence about a "log message".
fn quoted_log_messages(document: &str) -> Vec<String> {
    let selected = document.split(".message ==").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let outside_fences: String = document.split("\n```").step_by(2).collect();
    let prose = outside_fences.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentences = prose.split(". ").filter(|sentence| sentence.to_lowercase().contains("log message"));
    let quoted = sentences.flat_map(|sentence| sentence.split('"').skip(1).step_by(2));
    selected.chain(quoted).map(str::to_owned).collect()
}

/// The text of all files with this ending below a directory, except tests.
fn sources(directory: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let without_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            texts.push(without_tests.to_owned());
        }
    }
}

/// The string literals in the logging macros of a source text; more than messages, since fields have texts as well.
fn logged_texts(source: &str) -> BTreeSet<String> {
    let calls = ["trace!(", "debug!(", "info!(", "warn!(", "error!("].into_iter().flat_map(|name| {
        // Not the end of another name.
        let whole = |at: &usize| !source[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        source.match_indices(name).map(move |(at, _)| (at, at + name.len())).filter(move |(at, _)| whole(at))
    });
    calls.flat_map(|(_, start)| string_literals(&source[start..])).collect()
}

/// The string literals up to the closing parenthesis of a macro call.
fn string_literals(call: &str) -> Vec<String> {
    let (mut literals, mut depth, mut literal, mut escaped) = (Vec::new(), 1, None::<String>, false);
    for c in call.chars() {
        match (&mut literal, c) {
            (Some(text), _) if escaped => {
                text.push(c);
                escaped = false;
            }
            (Some(_), '\\') => escaped = true,
            (Some(_), '"') => literals.extend(literal.take()),
            (Some(text), _) => text.push(c),
            (None, '"') => literal = Some(String::new()),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => break,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    literals
}

/// The texts that the program logs.
fn texts_in_log() -> BTreeSet<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(repository().join("crates")).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut texts);
        }
    }
    texts.iter().flat_map(|text| logged_texts(text)).collect()
}

#[test]
fn log_messages_quoted_in_documents_are_logged() {
    let logged = texts_in_log();
    let (mut quoted, mut missing) = (0, Vec::new());
    for document in documents() {
        for message in quoted_log_messages(&fs::read_to_string(&document).unwrap()) {
            quoted += 1;
            if !logged.contains(&message) {
                missing.push(format!("{}: {message}", document.display()));
            }
        }
    }
    assert!(quoted >= 9, "only {quoted} log messages are quoted");
    assert!(missing.is_empty(), "documents quote what is never logged: {missing:#?}");
}

#[test]
fn made_up_log_message_is_not_logged() {
    let document = "Look:\n```console\n$ logs | jq 'select(.message == \"the moon failed\" and .code == \"x\")'\n```\n\
                    A log\nmessage is such as (\"billing run failed\"). Not \"this one\".";
    let quoted = quoted_log_messages(document);
    assert_eq!(quoted, ["the moon failed", "billing run failed"]);
    let logged = texts_in_log();
    assert!(!logged.contains(&quoted[0]) && logged.contains(&quoted[1]));
    let source =
        "tracing::warn!(code = code(\"x\"), \"a \\\"b\\\" failed\"); my_error!(\"no\"); let other = \"neither\";";
    assert_eq!(logged_texts(source), ["x", "a \"b\" failed"].map(str::to_owned).into());
}

#[test]
fn code_spans_exclude_fences_and_patterns() {
    let text =
        "see `crates/crm/src/lib.rs` and `crates/*/README.md`\n```console\n$ cat `a/b.rs`\n```\n`GET /users` `a::b`";
    let spans = code_spans(text);
    assert_eq!(spans, ["crates/crm/src/lib.rs", "crates/*/README.md", "GET /users", "a::b"]);
    assert_eq!(spans.iter().filter(|span| is_file_path(span)).count(), 1);
    assert_eq!(spans.iter().filter(|span| is_test_path(span)).count(), 1);
    let text = "`crm`: `Row`,\n`NewRow` and `X::new` in `src/a.rs`; `Other` in use, `b/c.rs`";
    assert_eq!(names_in_files(text), [("X::new", "src/a.rs"), ("NewRow", "src/a.rs"), ("Row", "src/a.rs")]);
}
