//! The READMEs name tests, files, and things in files that exist.

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

#[test]
fn code_spans_are_told_from_fences_and_patterns() {
    let text =
        "see `crates/crm/src/lib.rs` and `crates/*/README.md`\n```console\n$ cat `a/b.rs`\n```\n`GET /users` `a::b`";
    let spans = code_spans(text);
    assert_eq!(spans, ["crates/crm/src/lib.rs", "crates/*/README.md", "GET /users", "a::b"]);
    assert_eq!(spans.iter().filter(|span| is_file_path(span)).count(), 1);
    assert_eq!(spans.iter().filter(|span| is_test_path(span)).count(), 1);
    let text = "`crm`: `Row`,\n`NewRow` and `X::new` in `src/a.rs`; `Other` in use, `b/c.rs`";
    assert_eq!(names_in_files(text), [("X::new", "src/a.rs"), ("NewRow", "src/a.rs"), ("Row", "src/a.rs")]);
}
