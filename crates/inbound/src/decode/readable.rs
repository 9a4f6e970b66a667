use super::plain_filename;
use crate::json::{Object, text as json_text};

/// What a person reads for a message of any kind: what was written, or what it is.
pub(super) fn text(kind: &str, message: &Object<'_>, body: &Object<'_>) -> String {
    let said = match kind {
        "text" | "system" => body.text("body"),
        "image" | "video" | "sticker" => body.text("caption"),
        "document" => body.text("caption").or_else(|| body.text("filename").map(|name| plain_filename(&name))),
        "location" => location(body),
        "contacts" => cards(message),
        "interactive" => interactive(body),
        "button" => body.text("text").or_else(|| body.text("payload")),
        "order" => order(body),
        "reaction" => body.text("emoji"),
        "edit" => edited(body),
        _ => None,
    };
    said.unwrap_or_else(|| label(kind, body).to_owned())
}

/// What to call a message that says nothing itself.
fn label(kind: &str, body: &Object<'_>) -> &'static str {
    match kind {
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
        "interactive" => "Interactive reply",
        "button" => "Button",
        "order" => "Order",
        "reaction" => "Reaction removed",
        "system" => "System message",
        "edit" => "Message edited",
        "revoke" => "Message deleted",
        "request_welcome" => "Opened the chat",
        _ => "Unsupported message",
    }
}

/// Name and address, else the coordinates.
fn location(body: &Object<'_>) -> Option<String> {
    let named = joined([body.text("name"), body.text("address")], ", ");
    named.or_else(|| Some(format!("{}, {}", body.text("latitude")?, body.text("longitude")?)))
}

fn cards(message: &Object<'_>) -> Option<String> {
    let names = message.objects("contacts").into_iter().map(|card| {
        let phone = || card.objects("phones").first().and_then(|phone| phone.text("phone"));
        card.object("name").and_then(|name| name.text("formatted_name")).or_else(phone)
    });
    joined(names, ", ")
}

/// The title of whatever was tapped, or the text of a form.
fn interactive(body: &Object<'_>) -> Option<String> {
    let reply = body.object(&body.text("type")?)?;
    ["title", "body", "response", "payment_method", "name"].iter().find_map(|key| reply.text(key))
}

/// `2 x SKU-1, 1 x SKU-2`, and the text that came with it.
fn order(body: &Object<'_>) -> Option<String> {
    let items = body.objects("product_items").into_iter().map(|item| {
        let product = item.text("product_retailer_id")?;
        Some(item.text("quantity").map_or_else(|| product.clone(), |quantity| format!("{quantity} x {product}")))
    });
    joined([body.text("text"), joined(items, ", ")], ": ")
}

/// The new text of the message that was changed.
fn edited(body: &Object<'_>) -> Option<String> {
    let message = body.object("message")?;
    let content = message.object(&message.text("type")?)?;
    ["body", "caption"].iter().find_map(|key| content.get(key).and_then(json_text))
}

fn joined(parts: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_as_something() {
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
                "Ada, +1",
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
                "Please: 2 x A, 1 x B",
            ),
            (r#"{"type":"reaction","reaction":{"message_id":"w","emoji":"👍"}}"#, "👍"),
            (r#"{"type":"reaction","reaction":{"message_id":"w"}}"#, "Reaction removed"),
            (r#"{"type":"system","system":{"body":"Ada changed"}}"#, "Ada changed"),
            (r#"{"type":"edit","edit":{"message":{"type":"text","text":{"body":"New"}}}}"#, "New"),
            (r#"{"type":"revoke","revoke":{}}"#, "Message deleted"),
            (r#"{"type":"unsupported","errors":[{"code":131051}]}"#, "Unsupported message"),
            (r#"{"type":"hologram","hologram":{}}"#, "Unsupported message"),
        ];
        for (json, expected) in rows {
            let message = Object::parse(json).unwrap();
            let kind = message.text("type").unwrap();
            let body = message.object(&kind).unwrap_or_default();
            assert_eq!(text(&kind, &message, &body), expected, "{json}");
        }
    }
}
