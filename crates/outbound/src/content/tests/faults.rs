//! What is refused, and where the error points.

use serde_json::{Value, json};

use super::samples::{MEDIA, samples};
use crate::content::{Content, ContentError, ContentErrorKind};

fn error(content: &Value) -> ContentError {
    match Content::parse(content) {
        Ok(_) => panic!("accepted: {content}"),
        Err(error) => error,
    }
}

/// The pointers to all objects in a value.
fn objects(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            found.push(pointer.to_owned());
            members.iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in members {
        objects(value, &format!("{pointer}/{name}"), found);
    }
}

/// The data of a form's first screen, and what a button hands to a form.
fn is_passed_on(pointer: &str) -> bool {
    pointer.ends_with("/flow_action_payload/data") || pointer.ends_with("/parameters/0/action")
}

#[test]
fn unknown_member_is_refused_wherever_it_stands() {
    for sample in samples() {
        let mut pointers = Vec::new();
        objects(&sample, "", &mut pointers);
        for pointer in pointers.into_iter().filter(|pointer| !is_passed_on(pointer)) {
            let mut changed = sample.clone();
            changed.pointer_mut(&pointer).unwrap()["no/such"] = json!(1);
            let error = error(&changed);
            assert_eq!(error.pointer, format!("{pointer}/no~1such"), "{changed}");
            assert_eq!(error.kind, ContentErrorKind::Unknown);
        }
    }
}

#[test]
fn required_member_is_named_where_it_is_missing() {
    let mut required = 0;
    for sample in samples() {
        let mut pointers = Vec::new();
        objects(&sample, "", &mut pointers);
        for pointer in pointers {
            let names: Vec<String> = sample.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
            for name in names {
                let mut changed = sample.clone();
                changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(&name);
                let Err(error) = Content::parse(&changed) else { continue };
                if error.kind == ContentErrorKind::Missing {
                    assert_eq!(error.pointer, format!("{pointer}/{name}"), "{changed}");
                    required += 1;
                }
            }
        }
    }
    assert!(required > 100, "{required} required members");
}

/// A sample with another value at a pointer.
fn with(sample: usize, pointer: &str, value: Value) -> Value {
    let mut content = samples()[sample].clone();
    *content.pointer_mut(pointer).unwrap() = value;
    content
}

fn long(characters: usize) -> Value {
    json!("ä".repeat(characters))
}

#[test]
fn each_limit_is_exact_and_named() {
    const TEXT: usize = 0;
    const IMAGE: usize = 1;
    const BUTTON: usize = 8;
    const LIST: usize = 9;
    const URL: usize = 10;
    const FLOW: usize = 11;
    for (sample, pointer, max) in [
        (TEXT, "/text/body", 4_096),
        (IMAGE, "/image/caption", 1_024),
        (BUTTON, "/interactive/body/text", 1_024),
        (BUTTON, "/interactive/footer/text", 60),
        (BUTTON, "/interactive/action/buttons/0/reply/id", 256),
        (BUTTON, "/interactive/action/buttons/0/reply/title", 20),
        (LIST, "/interactive/header/text", 60),
        (LIST, "/interactive/body/text", 4_096),
        (LIST, "/interactive/action/button", 20),
        (LIST, "/interactive/action/sections/0/title", 24),
        (LIST, "/interactive/action/sections/0/rows/0/id", 200),
        (LIST, "/interactive/action/sections/0/rows/0/title", 24),
        (LIST, "/interactive/action/sections/0/rows/0/description", 72),
        (URL, "/interactive/body/text", 1_024),
        (URL, "/interactive/action/parameters/display_text", 20),
        (FLOW, "/interactive/action/parameters/flow_cta", 30),
    ] {
        Content::parse(&with(sample, pointer, long(max))).unwrap();
        let error = error(&with(sample, pointer, long(max + 1)));
        assert_eq!(error.pointer, pointer);
        assert_eq!(error.message, format!("has {} characters; at most {max} are allowed", max + 1));
    }
}

#[test]
fn blank_text_is_refused() {
    for blank in ["", " ", "\n\u{a0}"] {
        assert_eq!(error(&with(0, "/text/body", json!(blank))).message, "must not be empty");
    }
}

#[test]
fn counts_are_exact_and_named() {
    let reply = |n: usize| json!({"type": "reply", "reply": {"id": n.to_string(), "title": n.to_string()}});
    let replies = |count: usize| with(8, "/interactive/action/buttons", (0..count).map(reply).collect());
    Content::parse(&replies(3)).unwrap();
    assert_eq!(error(&replies(4)).message, "has 4 items; at most 3 are allowed");
    assert_eq!(error(&replies(0)).message, "has 0 items; at least 1 are needed");

    let row = |n: usize| json!({"id": n.to_string(), "title": "Row"});
    let rows = |count: usize| with(9, "/interactive/action/sections/0/rows", (10..10 + count).map(row).collect());
    Content::parse(&rows(9)).unwrap();
    let too_many = error(&rows(10));
    assert_eq!(too_many.pointer, "/interactive/action/sections");
    assert_eq!(too_many.message, "has 11 rows in all sections; at most 10 are allowed");

    let card = json!({"name": {"formatted_name": "A"}});
    let cards = |count: usize| json!({"type": "contacts", "contacts": vec![card.clone(); count]});
    Content::parse(&cards(257)).unwrap();
    assert_eq!(error(&cards(258)).pointer, "/contacts");

    let item = json!({"product_retailer_id": "a"});
    let products = |count| with(13, "/interactive/action/sections/0/product_items", vec![item.clone(); count].into());
    Content::parse(&products(29)).unwrap();
    assert_eq!(error(&products(30)).message, "has 31 products in all sections; at most 30 are allowed");
}

#[test]
fn equal_replies_and_rows_are_refused() {
    for (sample, pointer, value) in [
        (8, "/interactive/action/buttons/1/reply/id", "y"),
        (8, "/interactive/action/buttons/1/reply/title", "Yes"),
        (9, "/interactive/action/sections/1/rows/0/id", "1"),
    ] {
        assert_eq!(error(&with(sample, pointer, json!(value))).pointer, pointer);
    }
}

#[test]
fn section_needs_a_title_among_several() {
    let mut list = samples()[9].clone();
    let section = list.pointer_mut("/interactive/action/sections/0").unwrap().as_object_mut().unwrap();
    section.remove("title");
    assert_eq!(error(&list).pointer, "/interactive/action/sections/0/title");
    list.pointer_mut("/interactive/action/sections").unwrap().as_array_mut().unwrap().pop();
    Content::parse(&list).unwrap();
}

#[test]
fn values_of_the_wrong_sort_are_refused() {
    for (sample, pointer, value, message) in [
        (
            0,
            "/type",
            json!("poll"),
            "expected text, image, video, audio, document, sticker, location, contacts, interactive or template",
        ),
        (0, "/text", json!([]), "expected an object"),
        (0, "/text/body", json!(1), "expected a string"),
        (0, "/text/preview_url", json!("yes"), "expected true or false"),
        (1, "/image/media_id", json!("4711"), "expected a UUID, such as 0190b5a2-7e2f-7000-8000-000000000000"),
        (6, "/location/latitude", json!(90.1), "expected a number from -90 to 90"),
        (6, "/location/longitude", json!("13.4"), "expected a number from -180 to 180"),
        (
            10,
            "/interactive/action/parameters/url",
            json!("ftp://a"),
            "expected an address that begins with https:// or http://",
        ),
        (9, "/interactive/header/type", json!("image"), "expected text"),
        (8, "/interactive/header/type", json!("sticker"), "expected text, image, video or document"),
        (
            16,
            "/interactive/action/cards/1/card_index",
            json!(2),
            "expected 1: cards are counted from 0, in their order",
        ),
        (18, "/template/components/2/index", json!("first"), "expected a position, counted from 0"),
        (
            18,
            "/template/components/0/type",
            json!("footer"),
            "expected header, body, button, carousel, limited_time_offer or order_details",
        ),
    ] {
        let error = error(&with(sample, pointer, value));
        assert_eq!((error.pointer.as_str(), error.message.as_str()), (pointer, message));
    }
}

#[test]
fn caption_belongs_to_pictures_videos_and_documents() {
    for kind in ["image", "video", "document"] {
        let content = json!({"type": kind, kind: {"media_id": MEDIA, "caption": "x"}});
        assert_eq!(Content::parse(&content).unwrap().text(), "x");
    }
    for kind in ["audio", "sticker"] {
        let content = json!({"type": kind, kind: {"media_id": MEDIA, "caption": "x"}});
        assert_eq!(error(&content).pointer, format!("/{kind}/caption"));
    }
}

#[test]
fn links_and_ids_of_meta_are_no_files() {
    for (member, value) in [("link", "https://example.com/a.png"), ("id", "4711")] {
        let content = json!({"type": "image", "image": {"media_id": MEDIA, member: value}});
        assert_eq!(error(&content).pointer, format!("/image/{member}"));
    }
}

#[test]
fn cards_of_a_carousel_are_alike() {
    let mut content = samples()[16].clone();
    content["interactive"]["action"]["cards"][1]["header"] = json!({"type": "video", "video": {"media_id": MEDIA}});
    assert_eq!(error(&content).pointer, "/interactive/action/cards/1");
    let mut outer = samples()[16].clone();
    outer["interactive"]["footer"] = json!({"text": "x"});
    assert_eq!(error(&outer).kind, ContentErrorKind::Unknown);
}

#[test]
fn components_and_parameters_exclude_each_other() {
    let mut content = samples()[18].clone();
    content["template"]["parameters"] = json!({});
    assert_eq!(error(&content).pointer, "/template/parameters");
}

#[test]
fn reaction_is_no_message_of_its_own() {
    let content = json!({"type": "reaction", "reaction": {"message_id": "wamid.A", "emoji": "👍"}});
    assert_eq!(error(&content).pointer, "/type");
}
