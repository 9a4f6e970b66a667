//! The handbook for users and operators: `crates/http/handbook/*.md`, compiled in and served as HTML at `/docs/guide`.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY};
use actix_web::{HttpResponse, web};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::docs::{MAX_AGE, POLICY};
use crate::auth::Public;
use crate::problem::Problem;

/// Name and text of each page; the first is the index.
macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../handbook/", $name, ".md")))),+]
    };
}

pub(crate) const PAGES: [(&str, &str); 22] = pages![
    "index",
    "first-steps",
    "errors",
    "idempotency",
    "paging",
    "http",
    "rate-limits",
    "users",
    "tokens",
    "api-keys",
    "numbers",
    "webhooks",
    "jobs",
    "contacts",
    "messages",
    "templates",
    "sending",
    "media",
    "billing",
    "audit",
    "operators",
    "storage",
];

const INDEX: &str = "index";

const STYLESHEET: &str = include_str!("guide.css");

static RENDERED: LazyLock<Vec<(&str, String)>> =
    LazyLock::new(|| PAGES.iter().map(|(name, markdown)| (*name, render(name, markdown))).collect());

pub(super) async fn index(_public: Public) -> Result<HttpResponse, Problem> {
    respond(INDEX)
}

pub(super) async fn page(_public: Public, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    if *name == INDEX { Err(Problem::not_found()) } else { respond(&name) }
}

/// Relative URLs on the page would be wrong after a trailing slash.
pub(super) async fn with_slash(_public: Public) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "../guide")).finish()
}

pub(super) async fn stylesheet(_public: Public) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, MAX_AGE)).content_type("text/css; charset=utf-8").body(STYLESHEET)
}

fn respond(name: &str) -> Result<HttpResponse, Problem> {
    let (_, body) = RENDERED.iter().find(|(it, _)| *it == name).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .content_type(ContentType::html())
        .body(body.as_str()))
}

/// The events of a page; HTML in the source becomes text.
pub(crate) fn parse(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        event => event,
    })
}

/// A whole HTML page. All URLs are relative, so that they work behind a proxy that adds a path prefix.
fn render(name: &str, markdown: &str) -> String {
    let root = if name == INDEX { "../" } else { "../../" };
    let events = parse(markdown).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: relative(name, root, &dest_url), title, id })
        }
        event => event,
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    let title = title(markdown);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}docs/guide.css">
</head>
<body>
<nav><a href="{root}docs/guide">Handbook</a> <a href="{root}docs">API reference</a></nav>
<main>
{body}</main>
</body>
</html>
"#
    )
}

/// Text of the first heading; pages hold no characters that HTML escapes there.
fn title(markdown: &str) -> String {
    let events = parse(markdown).skip_while(|event| !matches!(event, Event::Start(Tag::Heading { .. })));
    let heading = events.take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = heading.filter_map(|event| if let Event::Text(text) = event { Some(text.into_string()) } else { None });
    text.collect()
}

/// `errors.md` is a page, `/docs` a path of this server.
fn relative(name: &str, root: &str, url: &str) -> CowStr<'static> {
    let url = match (url.strip_prefix('/'), url.strip_suffix(".md")) {
        (Some(path), _) => format!("{root}{path}"),
        (None, Some(INDEX)) => format!("{root}docs/guide"),
        (None, Some(page)) if name == INDEX => format!("guide/{page}"),
        (None, Some(page)) => page.to_owned(),
        (None, None) => url.to_owned(),
    };
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_to_the_page() {
        assert_eq!(&*relative("index", "../", "errors.md"), "guide/errors");
        assert_eq!(&*relative("tokens", "../../", "errors.md"), "errors");
        assert_eq!(&*relative("tokens", "../../", "index.md"), "../../docs/guide");
        assert_eq!(&*relative("tokens", "../../", "/docs"), "../../docs");
    }

    #[test]
    fn html_in_a_page_becomes_text() {
        let page = render("x", "# Title\n\n<script>alert(1)</script> a <b>c</b>\n");
        assert!(
            page.contains("<title>Title</title>") && page.contains("&lt;script&gt;") && !page.contains("<b>"),
            "{page}"
        );
    }
}
