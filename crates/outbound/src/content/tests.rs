mod faults;
mod samples;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use kernel::ids::MediaId;
use samples::{MEDIA, samples};

/// A number has uploaded [`MEDIA`] only.
fn uploaded(id: MediaId) -> Option<String> {
    (id.to_string() == MEDIA).then(|| "4711".to_owned())
}

fn meta(content: &Content) -> Value {
    Value::Object(content.to_meta(&uploaded).unwrap())
}

/// What Meta gets of a sample: the same, but for its own ids of files, the object of a language, and defaults.
fn as_meta(sample: &Value) -> Value {
    let text = sample.to_string().replace(&format!(r#""media_id":"{MEDIA}""#), r#""id":"4711""#);
    let mut meta: Value = serde_json::from_str(&text).unwrap();
    if let Some(template) = meta.get_mut("template") {
        template["language"] = json!({"code": template["language"]});
    }
    meta
}

#[test]
fn every_kind_becomes_the_json_that_meta_takes() {
    for sample in samples() {
        let content = Content::parse(&sample).unwrap_or_else(|error| panic!("{error}: {sample}"));
        assert_eq!(meta(&content), as_meta(&sample));
        assert_eq!(sample["type"], content.kind().into_str());
    }
}

#[test]
fn samples_have_every_kind() {
    let kinds: Vec<&str> = ContentType::VARIANTS.iter().map(ContentType::into_str).collect();
    let sampled = |kind: &str| samples().iter().any(|sample| sample["type"] == kind);
    let missing: Vec<&str> = kinds.into_iter().filter(|kind| !sampled(kind)).collect();
    assert_eq!(missing, ["reaction"], "a reaction has a request of its own");
    for kind in InteractiveKind::VARIANTS {
        let sampled = samples().iter().any(|sample| sample["interactive"]["type"] == kind.into_str());
        assert!(sampled, "{kind:?}");
    }
}

#[test]
fn text_for_people_says_what_is_sent() {
    let texts: Vec<String> = samples().iter().map(|sample| Content::parse(sample).unwrap().text()).collect();
    assert_eq!(
        texts,
        [
            "Hello 👋",
            "A house",
            "Video",
            "Voice message",
            "invoice.pdf",
            "Sticker",
            "Office, Main Street 1",
            "Ada Lovelace\nPhone (work): +4915112345678\nOrganization: Analytical Engines",
            "Shall we come?\nToday only\nYes\nNo",
            "Menu\nWhat would you like?\nTea: Green\nCoffee",
            "Our offer\nOpen\nLink: https://example.com/offer",
            "Book a time\nBook",
            "Product: sku-1",
            "Our shop\nSee these\nProduct: sku-1\nProduct: sku-2",
            "See all",
            "Where are you?",
            "Two houses\nFirst\nOpen\nLink: https://example.com/1\nOpen\nLink: https://example.com/2",
            "Two things\nProduct: sku-1\nProduct: sku-2",
            "12345\n12345",
            "Template: plain",
        ]
    );
}

#[test]
fn parts_give_the_structure() {
    let buttons = &samples()[8];
    let parts = Content::parse(buttons).unwrap().parts();
    let options: Vec<&str> =
        parts.iter().filter(|part| part.kind == kernel::ContentPartKind::Option).map(|part| &*part.value).collect();
    assert_eq!(options, ["Yes", "No"]);
}

#[test]
fn file_that_is_not_at_meta_is_named() {
    let content = Content::parse(&samples()[1]).unwrap();
    let id = content.files()[0].id;
    assert_eq!(content.to_meta(&|_| None), Err(ToMetaError::MediaNotUploaded(id)));
}

#[test]
fn template_in_its_short_form_is_not_sent() {
    let call =
        json!({"type": "template", "template": {"name": "a", "language": "en", "parameters": {"body": {"1": "x"}}}});
    let content = Content::parse(&call).unwrap();
    assert_eq!(content.to_meta(&uploaded), Err(ToMetaError::TemplateNotFilled));
    assert_eq!(content.text(), "Template: a");
}

#[test]
fn frozen_json_has_address_reply_and_opaque_data() {
    let text = Content::parse(&json!({"type": "text", "text": {"body": "Hi"}})).unwrap();
    let address = Address::phone("4915112345678").unwrap();
    let json = message_json(&address, &text, Some("wamid.A"), Some("1.abc"), &uploaded).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&json).unwrap(),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+4915112345678",
            "type": "text",
            "text": {"body": "Hi", "preview_url": false},
            "context": {"message_id": "wamid.A"},
            "biz_opaque_callback_data": "1.abc",
        })
    );
}

#[test]
fn reaction_has_no_context_and_an_empty_emoji_removes() {
    let address = Address::bsuid("US.1").unwrap();
    for (emoji, expected) in [(Some("👍"), "👍"), (None, "")] {
        let emoji = emoji.map(|emoji| Emoji::parse(emoji).unwrap());
        let reaction = Content::Reaction(OutboundReaction { wamid: "wamid.A".to_owned(), emoji });
        let json = message_json(&address, &reaction, Some("wamid.B"), None, &uploaded).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap(),
            json!({
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "recipient": "US.1",
                "type": "reaction",
                "reaction": {"message_id": "wamid.A", "emoji": expected},
            })
        );
    }
}

#[test]
fn receipt_and_typing_name_the_message() {
    let receipt = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"});
    assert_eq!(serde_json::from_str::<Value>(&read_receipt_json("wamid.A")).unwrap(), receipt);
    let typing: Value = serde_json::from_str(&typing_json("wamid.A")).unwrap();
    assert_eq!(typing["typing_indicator"], json!({"type": "text"}));
    assert_eq!(typing["status"], "read");
}

proptest! {
    #[test]
    fn text_is_counted_in_characters(text in "\\PC{1,3}", times in 1..2_000_usize) {
        let body = text.repeat(times);
        let length = body.chars().count();
        let parsed = Content::parse(&json!({"type": "text", "text": {"body": body}}));
        let valid = length <= MAX_TEXT && !body.trim().is_empty();
        prop_assert_eq!(parsed.is_ok(), valid, "{} characters", length);
    }

    #[test]
    fn any_json_is_parsed_or_refused(value in any_json(), kind in 0..ContentType::VARIANTS.len()) {
        let kind = ContentType::VARIANTS[kind].into_str();
        let mut content = Map::new();
        content.insert("type".to_owned(), json!(kind));
        content.insert(kind.to_owned(), value);
        if let Ok(content) = Content::parse(&Value::Object(content)) {
            prop_assert!(content.text().chars().count() > 0);
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec!["type", "body", "text", "action", "header", "media_id", "name", "x/~"]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}
