//! Checks the handbook against the API: its links, paths, JSON examples and command lines.

use std::collections::BTreeSet;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use serde_json::Value;

use crate::operations::openapi_json;
use crate::system::guide::PAGES;

const HOST: &str = "http://127.0.0.1:8080";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn document() -> Value {
    serde_json::from_str(openapi_json()).unwrap()
}

fn events(markdown: &'static str) -> impl Iterator<Item = Event<'static>> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES)
}

/// The info string and the text of each code block.
fn blocks(markdown: &'static str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut info = None;
    for event in events(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(text))) => info = Some(text.to_string()),
            Event::Text(text) => blocks.extend(info.take().map(|info| (info, text.to_string()))),
            _ => {}
        }
    }
    blocks
}

#[test]
fn handbook_links_lead_to_pages_or_paths() {
    let names: BTreeSet<String> = PAGES.iter().map(|(name, _)| format!("{name}.md")).collect();
    for (name, markdown) in PAGES {
        for event in events(markdown) {
            if let Event::Start(Tag::Link { dest_url, .. }) = event {
                let known = names.contains(&*dest_url) || ["/docs", "/openapi.json"].contains(&&*dest_url);
                assert!(known, "{name}: dead link {dest_url}");
            }
        }
    }
}

#[test]
fn handbook_index_links_to_every_page() {
    let (_, index) = PAGES[0];
    for (name, _) in &PAGES[1..] {
        assert!(index.contains(&format!("({name}.md)")), "{name}");
    }
}

#[test]
fn handbook_pages_contain_no_html() {
    for (name, markdown) in PAGES {
        let html = events(markdown).find(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_)));
        assert_eq!(html, None, "{name}");
    }
}

#[test]
fn handbook_operations_exist() {
    let document = document();
    for (name, markdown) in PAGES {
        for event in events(markdown) {
            let Event::Code(code) = event else { continue };
            let Some((method, path)) = code.split_once(' ').filter(|(method, _)| METHODS.contains(method)) else {
                continue;
            };
            let path = path.split('?').next().unwrap();
            assert!(!document["paths"][path][method.to_lowercase()].is_null(), "{name}: no operation {code}");
        }
        for (_, text) in blocks(markdown) {
            for url in text.split(HOST).skip(1) {
                let path = url.split(['?', '\'', '"', ' ', '\n']).next().unwrap();
                assert!(document["paths"][path].is_object(), "{name}: no path {path}");
            }
        }
    }
}

/// The alternative of a schema that an example is of, by its `type`; the schema if it has none.
fn alternative<'d>(schema: &'d Value, example: &Value) -> &'d Value {
    let has_type = |one: &&Value| one["properties"]["type"]["enum"][0] == example["type"];
    if schema["properties"].is_object() {
        return schema;
    }
    schema["oneOf"].as_array().and_then(|all| all.iter().find(has_type)).unwrap_or(schema)
}

/// ` ```json Contact ` is checked against the schema `Contact`: it has all required properties, and no others than declared.
#[test]
fn handbook_json_examples_match_their_schemas() {
    let document = document();
    let mut checked = 0;
    for (name, markdown) in PAGES {
        for (info, text) in blocks(markdown) {
            let Some(schema) = info.strip_prefix("json") else { continue };
            let schema = &document["components"]["schemas"][schema.trim()];
            assert!(schema.is_object(), "{name}: no schema {info:?}");
            let example: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
            let schema = alternative(schema, &example);
            for property in example.as_object().unwrap().keys() {
                assert!(schema["properties"][property].is_object(), "{name}: {info} has no {property}");
            }
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(!example[required.as_str().unwrap()].is_null(), "{name}: {info} lacks {required}");
            }
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}
