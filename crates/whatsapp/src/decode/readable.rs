//! Words without structure: captions, names of files and of types.

use super::{ids, length};
use crate::json::Object;

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
pub(super) fn delivery_error(message: &Object<'_>) -> Option<String> {
    let codes = message.objects("errors").into_iter().filter_map(|error| error.text("code"));
    let texts = codes.filter_map(|code| match code.as_str() {
        "131052" => Some("File too large for WhatsApp to pass on"),
        "131060" => Some("Message unavailable: open WhatsApp on the phone to read it"),
        _ => None,
    });
    texts.map(str::to_owned).next()
}

/// The name of a message without a text.
pub(super) fn label(kind: &str, message: &Object<'_>, body: &Object<'_>) -> String {
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
