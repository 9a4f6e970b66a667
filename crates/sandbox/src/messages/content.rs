//! The local limits of each kind of message.

use super::check::Part;
use super::interactive;
use super::media::media;
use crate::graph::error::GraphError;

/// Checks the object of the message's kind. A template's parameters are checked against the template afterwards.
pub(super) fn check(kind: &str, request: &Part<'_>) -> Result<(), GraphError> {
    match kind {
        "text" => {
            request.object("text")?.text("body", 4096)?;
            Ok(())
        }
        "image" | "video" => media(&request.object(kind)?, Some(1024)),
        "document" => {
            let document = request.object(kind)?;
            document.optional_text("filename", 240)?;
            media(&document, Some(1024))
        }
        "audio" | "sticker" => media(&request.object(kind)?, None),
        "location" => {
            let location = request.object(kind)?;
            location.number("latitude", -90.0, 90.0)?;
            location.number("longitude", -180.0, 180.0)
        }
        "contacts" => {
            for contact in request.objects(kind, 1, 257)? {
                let name = contact.object("name")?;
                name.text("formatted_name", 1024)?;
            }
            Ok(())
        }
        "interactive" => interactive::check(&request.object(kind)?),
        "reaction" => {
            let reaction = request.object(kind)?;
            reaction.text("message_id", 512)?;
            emoji(reaction.optional_text("emoji", 64)?)
        }
        "template" => {
            let template = request.object(kind)?;
            template.text("name", 512)?;
            template.object("language")?.text("code", 16)?;
            Ok(())
        }
        _ => Err(GraphError::parameter(
            "Param type must be one of {AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, \
             TEXT, VIDEO}.",
        )),
    }
}

/// A reaction is one emoji; none removes it. Letters are refused, other characters pass.
fn emoji(emoji: Option<&str>) -> Result<(), GraphError> {
    let has_letters = emoji.is_some_and(|emoji| emoji.chars().any(|c| c.is_alphabetic() || c == ' '));
    if has_letters { Err(GraphError::value("reaction['emoji'] is not an emoji")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn code(request: &Value) -> Option<i64> {
        let kind = request["type"].as_str().unwrap();
        check(kind, &Part::root(request.as_object().unwrap())).err().map(|error| error.code)
    }

    #[test]
    fn limits_of_simple_kinds_are_checked() {
        let rows = [
            (json!({"type": "text", "text": {"body": "x".repeat(4096)}}), None),
            (json!({"type": "text", "text": {"body": "x".repeat(4097)}}), Some(100)),
            (json!({"type": "text", "text": {"body": ""}}), Some(100)),
            (json!({"type": "text", "text": {}}), Some(100)),
            (json!({"type": "text"}), Some(100)),
            (json!({"type": "text", "text": "hello"}), Some(100)),
            (json!({"type": "image", "image": {"id": "1", "caption": "x"}}), None),
            (json!({"type": "image", "image": {"id": "1", "link": "https://x.example/a.png"}}), Some(131_009)),
            (json!({"type": "image", "image": {}}), Some(131_008)),
            (json!({"type": "image", "image": {"link": "file:///etc"}}), Some(131_009)),
            (json!({"type": "video", "video": {"id": "1", "caption": "x".repeat(1025)}}), Some(100)),
            (json!({"type": "audio", "audio": {"id": "1", "caption": "x"}}), Some(131_009)),
            (json!({"type": "location", "location": {"latitude": 1, "longitude": "2.5"}}), None),
            (json!({"type": "location", "location": {"latitude": 91, "longitude": 0}}), Some(131_009)),
            (json!({"type": "contacts", "contacts": []}), Some(131_009)),
            (json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ada"}}]}), None),
            (json!({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}}), None),
            (json!({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}}), None),
            (json!({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "ok"}}), Some(131_009)),
            (json!({"type": "poll", "poll": {}}), Some(100)),
        ];
        for (request, expected) in rows {
            assert_eq!(code(&request), expected, "{request}");
        }
    }
}
