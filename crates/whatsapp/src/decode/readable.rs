//! What a message of any type says.

use super::content::{self, ContentBuilder, MessageContent};
use super::{ids, length};
use crate::json::Object;

/// What a message says, or the name of its type; then what led to it. The text is never empty.
pub(super) fn content(kind: &str, message: &Object<'_>, body: &Object<'_>) -> MessageContent {
    let mut content = ContentBuilder::default();
    content::body(&mut content, kind, message, body);
    if content.is_empty() {
        content.line(Some(delivery_error(message).unwrap_or_else(|| label(kind, message, body))));
    }
    content::origin(&mut content, message);
    content.build()
}

/// The caption of a file.
pub(super) fn caption(body: &Object<'_>) -> Option<String> {
    body.text("caption").map(length::caption)
}

/// The last part of a path, without control and bidirectional characters.
pub(super) fn filename(body: &Object<'_>) -> Option<String> {
    let path = body.text("filename")?;
    let name = path.rsplit(['/', '\\']).next()?;
    let plain: String = name.chars().filter(|c| !c.is_control() && !is_bidi_control(*c)).take(255).collect();
    // Not file names.
    (!matches!(plain.trim(), "" | "." | "..")).then_some(plain)
}

/// Bidirectional controls can make `fdp.exe` look like `exe.pdf`.
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The reason why WhatsApp could not deliver the content, if given.
fn delivery_error(message: &Object<'_>) -> Option<String> {
    let codes = message.objects("errors").into_iter().filter_map(|error| error.text("code"));
    let texts = codes.filter_map(|code| match code.as_str() {
        "131052" => Some("File too large for WhatsApp to pass on"),
        "131060" => Some("Message unavailable: open WhatsApp on the phone to read it"),
        _ => None,
    });
    texts.map(str::to_owned).next()
}

/// The name of a message without a text.
fn label(kind: &str, message: &Object<'_>, body: &Object<'_>) -> String {
    let label = match kind {
        "text" => "Empty message",
        "image" => "Picture",
        "video" => "Video",
        "audio" if body.is_true("voice") => "Voice message",
        "audio" => "Audio",
        "voice" => "Voice message",
        "document" => "Document",
        "sticker" => "Sticker",
        "location" => "Location",
        "contacts" => "Contact card",
        "interactive" => match body.text("type").as_deref() {
            Some("call_permission_reply") => "Call permission",
            Some("payment_method") => "Payment",
            Some("product") => "Product",
            _ => "Interactive reply",
        },
        "button" => "Button",
        "order" => "Order",
        "template" => "Template",
        "reaction" => "Reaction",
        "edit" => "Message edited",
        "revoke" => "Message deleted",
        "media_placeholder" => "Media",
        "request_welcome" => "Opened the chat",
        _ => {
            let what = message.object("unsupported").and_then(|unsupported| ids::word(&unsupported, "type"));
            return what
                .map_or_else(|| "Unsupported message".to_owned(), |what| format!("Unsupported message ({what})"));
        }
    };
    label.to_owned()
}

/// The new text or caption of an edited message. WhatsApp lets people edit nothing else.
pub(super) fn edited(body: &Object<'_>) -> Option<String> {
    let message = body.object("message")?;
    let kind = ids::word(&message, "type")?;
    let body = message.object(&kind)?;
    match kind.as_str() {
        "text" => body.text("body").map(length::text),
        "image" | "video" | "document" => caption(&body),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: &str, message: &Object<'_>, body: &Object<'_>) -> String {
        content(kind, message, body).text
    }

    #[test]
    fn interactive_reply_text_is_chosen_option() {
        let rows = [
            (r#""type":"nfm_reply","nfm_reply":{"name":"flow","response_json":"[7"}"#, "Form sent"),
            (r#""type":"nfm_reply","nfm_reply":{"name":"address_message","response_json":{}}"#, "Address sent"),
            (r#""type":"call_permission_reply","call_permission_reply":{"response":"accept"}"#, "Calls allowed"),
            (r#""type":"call_permission_reply","call_permission_reply":{"response":"reject"}"#, "Calls not allowed"),
            (r#""type":"call_permission_reply""#, "Call permission"),
            (r#""type":"payment_method","payment_method":{"payment_method":"pix"}"#, "Payment: pix"),
            (r#""type":"payment_method","payment_method":7"#, "Payment"),
            (r#""type":"product","product":{"x":1}"#, "Product"),
            (r#""type":"product","product":{"title":"Tea"}"#, "Tea"),
            (r#""type":"swipe","swipe":{"text":"Left"}"#, "Left"),
            (r#""type":"swipe""#, "Interactive reply"),
        ];
        for (body, expected) in rows {
            let json = format!(r#"{{"interactive":{{{body}}}}}"#);
            let message = Object::parse(&json).unwrap();
            assert_eq!(text("interactive", &message, &message.object("interactive").unwrap()), expected, "{body}");
        }
    }

    #[test]
    fn every_type_has_a_readable_text() {
        let rows = [
            (r#"{"type":"text","text":{"body":"Hi"}}"#, "Hi"),
            (r#"{"type":"image","image":{"id":"1","caption":"Look"}}"#, "Look"),
            (r#"{"type":"image","image":{"id":"1"}}"#, "Picture"),
            (r#"{"type":"audio","audio":{"id":"1","voice":true}}"#, "Voice message"),
            (r#"{"type":"document","document":{"id":"1","filename":"a/b.pdf"}}"#, "b.pdf"),
            (r#"{"type":"sticker","sticker":{"id":"1"}}"#, "Sticker"),
            (
                r#"{"type":"location","location":{"latitude":1.5,"longitude":-2,"name":"Office","address":"Main St"}}"#,
                "Office, Main St",
            ),
            (r#"{"type":"location","location":{"latitude":1.5,"longitude":-2}}"#, "1.5, -2"),
            (
                r#"{"type":"contacts","contacts":[{"name":{"formatted_name":"Ada"}},{"phones":[{"phone":"+1"}]},{}]}"#,
                "Ada\nPhone: +1",
            ),
            (
                r#"{"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"1","title":"Yes"}}}"#,
                "Yes",
            ),
            (r#"{"type":"interactive","interactive":{"type":"list_reply","list_reply":{"title":"Large"}}}"#, "Large"),
            (
                r#"{"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent"}}}"#,
                "Sent",
            ),
            (r#"{"type":"interactive"}"#, "Interactive reply"),
            (r#"{"type":"button","button":{"text":"Stop","payload":"x"}}"#, "Stop"),
            (
                r#"{"type":"order","order":{"text":"Please","product_items":[{"product_retailer_id":"A","quantity":2},{"product_retailer_id":"B","quantity":"1"}]}}"#,
                "Please\n2 x A\n1 x B",
            ),
            (r#"{"type":"edit","edit":{"message":{"type":"text","text":{"body":"New"}}}}"#, "New"),
            (r#"{"type":"unsupported","errors":[{"code":131051}]}"#, "Unsupported message"),
            (r#"{"type":"hologram","hologram":{}}"#, "Unsupported message"),
            (
                r#"{"type":"unknown","errors":[{"code":"131051"}],"unsupported":{"type":"poll_creation"}}"#,
                "Unsupported message (poll_creation)",
            ),
            (r#"{"type":"unsupported","unsupported":{"type":"Not a word"}}"#, "Unsupported message"),
            (
                r#"{"type":"unsupported","errors":[7,{"code":131060}]}"#,
                "Message unavailable: open WhatsApp on the phone to read it",
            ),
            (r#"{"type":"video","errors":[{"code":131052}]}"#, "File too large for WhatsApp to pass on"),
            (r#"{"type":"video","video":{"caption":"Look"},"errors":[{"code":131052}]}"#, "Look"),
            (r#"{"type":"media_placeholder"}"#, "Media"),
            (r#"{"type":"request_welcome"}"#, "Opened the chat"),
            (r#"{"type":"ephemeral"}"#, "Unsupported message"),
            (r#"{"type":"hsm","hsm":7}"#, "Unsupported message"),
            (r#"{"type":"text","text":{"body":""}}"#, "Empty message"),
            (r#"{"type":"document","document":{"filename":"a/"}}"#, "Document"),
            (r#"{"type":"audio","audio":{"id":"1"}}"#, "Audio"),
            (r#"{"type":"voice","voice":{"id":"1"}}"#, "Voice message"),
            (r#"{"type":"button","button":{"payload":"x"}}"#, "x"),
            (r#"{"type":"contacts","contacts":7}"#, "Contact card"),
            (r#"{"type":"location"}"#, "Location"),
            (r#"{"type":"order","order":{"product_items":[{"product_retailer_id":"A"}]}}"#, "A"),
            (
                r#"{"type":"edit","edit":{"message":{"type":"edit","edit":{"message":{"type":"text"}}}}}"#,
                "Message edited",
            ),
        ];
        for (json, expected) in rows {
            let message = Object::parse(json).unwrap();
            let kind = message.text("type").unwrap();
            let body = message.object(&kind).unwrap_or_default();
            assert_eq!(text(&kind, &message, &body), expected, "{json}");
        }
    }

    #[test]
    fn filenames_have_no_path_and_no_control_characters() {
        let named = |json: &str| filename(&Object::parse(&format!(r#"{{"filename":"{json}"}}"#)).unwrap());
        for (json, expected) in [
            ("a.pdf", Some("a.pdf")),
            (r"..\\..\\a.pdf", Some("a.pdf")),
            ("/etc/passwd", Some("passwd")),
            (r"a\u0000b\u0007.pdf", Some("a\u{fffd}b.pdf")),
            (r"\u202efdp.exe", Some("fdp.exe")),
            (r"\u2067a\u2069\u200f.pdf", Some("a.pdf")),
            ("..", None),
            ("x/.", None),
            (r"\u202e", None),
            ("  ", None),
        ] {
            assert_eq!(named(json).as_deref(), expected, "{json}");
        }
        assert_eq!(named(&"x".repeat(300)).map(|name| name.len()), Some(255));
    }
}
