//! Runs the examples of the handbook (`crates/http/handbook`) on a deployment with the demo tenant.
//!
//! What a page may contain:
//!
//! - ` ```console ` with commands after `$ `, and below each the output that is compared. The test runs `curl`, `parley` and
//!   assignments of variables. `$TOKEN` and the like are declared in `first-steps.md`.
//! - ` ```json Schema ` right after a block: the response of the last request. Otherwise the body of a request to the last
//!   operation before it that takes this schema, which the test sends.
//! - `` `GET /path` `` in a text: the test sends it.
//! - `` `parley subcommand` `` in a text: the test checks that the subcommand exists.
//!
//! An example that cannot be run has ` ```console not run: reason ` and is in [`NOT_RUN`]. Anything else fails.

mod compare;
mod page;
mod session;
mod shell;

use std::fs;
use std::path::PathBuf;

use page::{Item, Page};
use session::Session;

/// The examples that are not run: page and reason.
const NOT_RUN: [(&str, &str); 0] = [];

/// The pages in alphabetical order.
fn pages() -> Vec<Page> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/http/handbook"));
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Page::parse(&name, &fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_every_page_run_as_shown() {
    let pages = pages();
    let not_run = pages.iter().flat_map(|page| {
        let reasons = page.items.iter().filter_map(|item| match item {
            Item::NotRun(reason) => Some(reason.as_str()),
            _ => None,
        });
        reasons.map(|reason| (page.name.as_str(), reason))
    });
    assert_eq!(not_run.collect::<Vec<_>>(), NOT_RUN, "examples that are not run");
    let placeholders = pages.iter().find(|page| page.name == "first-steps.md").unwrap().placeholders.clone();
    let mut session = Session::start(&placeholders).await;
    let mut wrong = Vec::new();
    for page in &pages {
        wrong.extend(session.run(page).await);
    }
    let examples = session.examples;
    session.finish().await;
    assert!(wrong.is_empty(), "examples of the handbook do not run as shown:\n\n{}\n", wrong.join("\n\n"));
    // Fewer than that, and the pages are no longer parsed.
    assert!(examples >= 60, "{examples} examples were run");
}

#[test]
fn page_is_parsed_into_examples() {
    let text = "`POST /users` creates.\n\n```json CreateUser\n{\"a\": 1}\n```\n\n```json User\n{}\n```\n\n\
                See `GET /users?limit=2`, `parley keys list`, `$TOKEN` and `other`.\n\n\
                ```console\n$ curl -s x \\\n    -d 'y'\nout\n$ a=1\n```\n\n```console not run: needs Meta\n$ z\n```\n";
    let page = Page::parse("x.md", text);
    let expected = [
        Item::operation("POST", "/users"),
        Item::Json { schema: "CreateUser".to_owned(), text: "{\"a\": 1}".to_owned(), follows_block: false },
        Item::Json { schema: "User".to_owned(), text: "{}".to_owned(), follows_block: true },
        Item::operation("GET", "/users?limit=2"),
        Item::Subcommand(vec!["keys".to_owned(), "list".to_owned()]),
        Item::Command { line: "curl -s x     -d 'y'".to_owned(), output: "out".to_owned() },
        Item::Command { line: "a=1".to_owned(), output: String::new() },
        Item::NotRun("needs Meta".to_owned()),
    ];
    assert_eq!(page.items, expected);
    assert_eq!(page.placeholders, ["TOKEN".to_owned()].into());
}

#[test]
#[should_panic(expected = "no test support for a block of `sql`")]
fn block_of_unknown_kind_is_refused() {
    Page::parse("x.md", "```sql\nSELECT 1\n```\n");
}
