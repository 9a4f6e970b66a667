//! The local limits of interactive messages.

use std::collections::HashSet;

use super::check::Part;
use super::media::media;
use crate::graph::error::GraphError;

pub(super) fn check(interactive: &Part<'_>) -> Result<(), GraphError> {
    let kind = interactive.text("type", 64)?;
    let max_body = if kind == "list" { 4096 } else { 1024 };
    // Cards have their own bodies and headers; a product may stand alone.
    match kind {
        "product" | "call_permission_request" => {
            if let Some(body) = interactive.optional_object("body")? {
                body.text("text", max_body)?;
            }
        }
        _ => {
            interactive.object("body")?.text("text", max_body)?;
        }
    }
    if let Some(footer) = interactive.optional_object("footer")? {
        footer.text("text", 60)?;
    }
    if let Some(header) = interactive.optional_object("header")? {
        check_header(kind, &header)?;
    }
    check_action(kind, interactive)
}

fn check_header(kind: &str, header: &Part<'_>) -> Result<(), GraphError> {
    let format = header.text("type", 16)?;
    match (kind, format) {
        (_, "text") => header.text("text", 60).map(drop),
        ("button" | "cta_url" | "flow" | "carousel", "image" | "video" | "document") => {
            media(&header.object(format)?, None)
        }
        _ => Err(GraphError::value(format!("A header of type {format} is not allowed for {kind}"))),
    }
}

fn check_action(kind: &str, interactive: &Part<'_>) -> Result<(), GraphError> {
    match kind {
        "button" => buttons(&interactive.object("action")?),
        "list" => list(&interactive.object("action")?),
        "cta_url" => link(&interactive.object("action")?),
        "carousel" => carousel(interactive),
        "product" => {
            let action = interactive.object("action")?;
            action.text("catalog_id", 256)?;
            action.text("product_retailer_id", 256).map(drop)
        }
        "product_list" => products(&interactive.object("action")?),
        "catalog_message" => named(&interactive.object("action")?, kind),
        "flow" => flow(&interactive.object("action")?),
        "location_request_message" => named(&interactive.object("action")?, "send_location"),
        "address_message" | "voice_call" | "call_permission_request" | "request_contact_info" => {
            named(&interactive.object("action")?, kind)
        }
        _ => Err(GraphError::value(format!("interactive['type'] {kind} is not supported"))),
    }
}

fn named(action: &Part<'_>, name: &str) -> Result<(), GraphError> {
    let given = action.text("name", 64)?;
    if given == name { Ok(()) } else { Err(GraphError::value(format!("{} must be {name}", action.path_of("name")))) }
}

fn buttons(action: &Part<'_>) -> Result<(), GraphError> {
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in action.objects("buttons", 1, 3)? {
        let reply = button.object("reply")?;
        unique(&mut ids, text_of(&reply, "id", 256, "Button id")?, "Button id")?;
        unique(&mut titles, text_of(&reply, "title", 20, "Button title")?, "Button title")?;
    }
    Ok(())
}

fn list(action: &Part<'_>) -> Result<(), GraphError> {
    text_of(action, "button", 20, "Button label")?;
    let sections = action.objects("sections", 1, 10)?;
    let mut ids = HashSet::new();
    let mut rows = 0;
    for section in &sections {
        if sections.len() > 1 || section.get("title").is_some() {
            text_of(section, "title", 24, "Section title")?;
        }
        for row in section.objects("rows", 1, 10)? {
            unique(&mut ids, text_of(&row, "id", 200, "Row id")?, "Row id")?;
            text_of(&row, "title", 24, "Row title")?;
            if row.get("description").is_some() {
                text_of(&row, "description", 72, "Row description")?;
            }
            rows += 1;
        }
    }
    // The limit is of all sections together.
    if rows > 10 {
        Err(GraphError::value(format!("Total row count exceed max allowed count: 10, given: {rows}")))
    } else {
        Ok(())
    }
}

fn link(action: &Part<'_>) -> Result<(), GraphError> {
    named(action, "cta_url")?;
    let parameters = action.object("parameters")?;
    text_of(&parameters, "display_text", 20, "Display text")?;
    let url = text_of(&parameters, "url", 2000, "URL")?;
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(())
    } else {
        Err(GraphError::value("The URL must begin with https://"))
    }
}

fn carousel(interactive: &Part<'_>) -> Result<(), GraphError> {
    interactive.absent("header", "beside cards")?;
    interactive.absent("footer", "beside cards")?;
    let cards = interactive.object("action")?.objects("cards", 2, 10)?;
    let mut formats = HashSet::new();
    for (index, card) in cards.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "there are ten cards at most")]
        let index = index as f64;
        card.number("card_index", index, index)?;
        if let Some(header) = card.optional_object("header")? {
            formats.insert(header.text("type", 16)?);
        }
        if let Some(body) = card.optional_object("body")? {
            body.text("text", 160)?;
        }
        card.object("action")?;
    }
    if formats.len() > 1 { Err(GraphError::value("All cards must have the same type of header")) } else { Ok(()) }
}

fn products(action: &Part<'_>) -> Result<(), GraphError> {
    action.text("catalog_id", 256)?;
    let mut count = 0;
    for section in action.objects("sections", 1, 10)? {
        count += section.objects("product_items", 1, 30)?.len();
    }
    if count > 30 { Err(GraphError::value(format!("{count} products given, 30 are allowed"))) } else { Ok(()) }
}

fn flow(action: &Part<'_>) -> Result<(), GraphError> {
    named(action, "flow")?;
    let parameters = action.object("parameters")?;
    if parameters.get("flow_id").is_none() && parameters.get("flow_name").is_none() {
        return Err(GraphError::missing("One of flow_id and flow_name is required"));
    }
    text_of(&parameters, "flow_cta", 30, "Flow button").map(drop)
}

/// A text whose error names it as Meta does.
fn text_of<'a>(part: &Part<'a>, name: &str, max: usize, title: &str) -> Result<&'a str, GraphError> {
    let text = part.optional_text(name, usize::MAX)?;
    let text = text.ok_or_else(|| GraphError::missing(format!("{} is missing", part.path_of(name))))?;
    if (1..=max).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(GraphError::value(format!("{title} length invalid. Min length: 1, Max length: {max}")))
    }
}

fn unique<'a>(seen: &mut HashSet<&'a str>, text: &'a str, title: &str) -> Result<(), GraphError> {
    if seen.insert(text) { Ok(()) } else { Err(GraphError::value(format!("{title} must be unique"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn code(interactive: &Value) -> Option<i64> {
        check(&Part::root(interactive.as_object().unwrap())).err().map(|error| error.code)
    }

    fn rows(count: usize) -> Value {
        (0..count).map(|index| json!({"id": index.to_string(), "title": "t"})).collect()
    }

    fn list_of(sections: &Value) -> Value {
        json!({"type": "list", "body": {"text": "b"}, "action": {"button": "Choose", "sections": sections}})
    }

    fn buttons_of(titles: &[&str]) -> Value {
        let reply = |(id, title)| json!({"type": "reply", "reply": {"id": format!("{id}"), "title": title}});
        let buttons: Vec<Value> = titles.iter().enumerate().map(reply).collect();
        json!({"type": "button", "body": {"text": "b"}, "action": {"buttons": buttons}})
    }

    #[test]
    fn buttons_are_one_to_three_and_differ() {
        assert_eq!(code(&buttons_of(&["a", "b", "c"])), None);
        assert_eq!(code(&buttons_of(&[])), Some(131_009));
        assert_eq!(code(&buttons_of(&["a", "b", "c", "d"])), Some(131_009));
        assert_eq!(code(&buttons_of(&["a", "a"])), Some(131_009));
        assert_eq!(code(&buttons_of(&[&"x".repeat(21)])), Some(131_009));
    }

    #[test]
    fn list_has_ten_rows_in_all_sections_together() {
        assert_eq!(code(&list_of(&json!([{"rows": rows(10)}]))), None);
        assert_eq!(
            code(&list_of(
                &json!([{"title": "a", "rows": rows(10)}, {"title": "b", "rows": [{"id": "x", "title": "x"}]}])
            )),
            Some(131_009)
        );
        assert_eq!(code(&list_of(&json!([{"rows": rows(1)}, {"rows": [{"id": "x", "title": "x"}]}]))), Some(131_008));
    }

    #[test]
    fn cards_are_numbered_and_alike() {
        let card = |index: usize, format: &str| json!({"card_index": index, "header": {"type": format}, "action": {}});
        let of = |cards: Value| json!({"type": "carousel", "body": {"text": "b"}, "action": {"cards": cards}});
        assert_eq!(code(&of(json!([card(0, "image"), card(1, "image")]))), None);
        assert_eq!(code(&of(json!([card(0, "image")]))), Some(131_009));
        assert_eq!(code(&of(json!([card(0, "image"), card(2, "image")]))), Some(131_009));
        assert_eq!(code(&of(json!([card(0, "image"), card(1, "video")]))), Some(131_009));
    }

    #[test]
    fn other_types_have_their_actions() {
        let of = |kind: &str, action: Value| json!({"type": kind, "body": {"text": "b"}, "action": action});
        let link = json!({"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://a.example"}});
        let rows = [
            (of("cta_url", link), None),
            (of("location_request_message", json!({"name": "send_location"})), None),
            (of("location_request_message", json!({"name": "location"})), Some(131_009)),
            (of("flow", json!({"name": "flow", "parameters": {"flow_id": "1", "flow_cta": "Go"}})), None),
            (of("flow", json!({"name": "flow", "parameters": {"flow_cta": "Go"}})), Some(131_008)),
            (of("request_contact_info", json!({"name": "request_contact_info"})), None),
            (of("poll", json!({})), Some(131_009)),
        ];
        for (interactive, expected) in rows {
            assert_eq!(code(&interactive), expected, "{interactive}");
        }
    }
}
