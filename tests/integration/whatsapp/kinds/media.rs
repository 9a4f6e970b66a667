//! Media messages.

use serde_json::{Value, json};

use super::{check, row};

/// What the API shows for a file.
fn file(id: &str, mime_type: &str, caption: Option<&str>, filename: Option<&str>) -> Value {
    json!({"id": id, "mime_type": mime_type, "sha256": "aGFzaA==", "caption": caption, "filename": filename,
        "state": "waiting", "size": null})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_media_kind_has_pointer_and_text() {
    let url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1";
    let opus = "audio/ogg; codecs=opus";
    check(vec![
        row(
            "image",
            "image",
            json!({"id": "1", "mime_type": "image/jpeg", "sha256": "aGFzaA==", "caption": "Look", "url": url}),
            json!({"kind": "image", "text": "Look", "media": file("1", "image/jpeg", Some("Look"), None)}),
        ),
        row(
            "image without a caption",
            "image",
            json!({"id": "2", "mime_type": "image/png", "sha256": "aGFzaA=="}),
            json!({"kind": "image", "text": "Picture", "media": file("2", "image/png", None, None)}),
        ),
        row(
            "video",
            "video",
            json!({"id": "3", "mime_type": "video/mp4", "sha256": "aGFzaA==", "caption": "Clip", "url": url}),
            json!({"kind": "video", "text": "Clip", "media": file("3", "video/mp4", Some("Clip"), None)}),
        ),
        row(
            "audio",
            "audio",
            json!({"id": "4", "mime_type": "audio/mpeg", "sha256": "aGFzaA==", "voice": false}),
            json!({"kind": "audio", "text": "Audio", "media": file("4", "audio/mpeg", None, None)}),
        ),
        row(
            "audio that is a voice message",
            "audio",
            json!({"id": "5", "mime_type": opus, "sha256": "aGFzaA==", "voice": true, "url": url}),
            json!({"kind": "audio", "text": "Voice message", "media": file("5", opus, None, None)}),
        ),
        row(
            "voice, of old",
            "voice",
            json!({"id": "6", "mime_type": opus, "sha256": "aGFzaA=="}),
            json!({"kind": "voice", "text": "Voice message", "media": file("6", opus, None, None)}),
        ),
        row(
            "document",
            "document",
            json!({"id": "7", "filename": "Offer 7.pdf", "mime_type": "application/pdf", "sha256": "aGFzaA==",
                   "caption": "As discussed", "url": url}),
            json!({"kind": "document", "text": "As discussed",
                   "media": file("7", "application/pdf", Some("As discussed"), Some("Offer 7.pdf"))}),
        ),
        row(
            "document without a caption",
            "document",
            json!({"id": "8", "filename": "a.pdf", "mime_type": "application/pdf", "sha256": "aGFzaA=="}),
            json!({"kind": "document", "text": "a.pdf", "media": file("8", "application/pdf", None, Some("a.pdf"))}),
        ),
        row(
            "document name with path traversal and bidi override",
            "document",
            json!({"id": "9", "filename": "..\\../etc/\u{202e}fdp.\u{7}exe", "mime_type": "application/pdf",
                   "sha256": "aGFzaA=="}),
            json!({"kind": "document", "text": "fdp.exe",
                   "media": file("9", "application/pdf", None, Some("fdp.exe"))}),
        ),
        row(
            "document without anything",
            "document",
            json!({"id": "10", "filename": "..", "mime_type": "application/pdf", "sha256": "aGFzaA=="}),
            json!({"kind": "document", "text": "Document", "media": file("10", "application/pdf", None, None)}),
        ),
        row(
            "sticker",
            "sticker",
            json!({"id": "11", "mime_type": "image/webp", "sha256": "aGFzaA==", "animated": true}),
            json!({"kind": "sticker", "text": "Sticker", "media": file("11", "image/webp", None, None)}),
        ),
        row(
            "file with only a numeric id",
            "video",
            json!({"id": 12}),
            json!({"kind": "video", "text": "Video", "media":
                   {"id": "12", "mime_type": null, "sha256": null, "caption": null, "filename": null,
                    "state": "waiting", "size": null}}),
        ),
        row(
            "a file without an id",
            "image",
            json!({"mime_type": "image/jpeg", "caption": "Lost"}),
            json!({"kind": "image", "text": "Lost"}),
        ),
        row(
            "a file that is too large for WhatsApp",
            "video",
            json!({}),
            json!({"kind": "video", "text": "File too large for WhatsApp to pass on"}),
        )
        .with("errors", json!([{"code": 131_052, "title": "Media download error"}])),
    ])
    .await;
}
