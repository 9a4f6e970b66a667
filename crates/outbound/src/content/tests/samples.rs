use serde_json::{Value, json};

/// The file of all samples.
pub(super) const MEDIA: &str = "0190b5a2-7e2f-7000-8000-000000000000";

/// One of each kind, as full as Meta allows, but for what has a default.
pub(super) fn samples() -> Vec<Value> {
    let mut samples = plain();
    samples.extend(interactive().into_iter().map(|value| json!({"type": "interactive", "interactive": value})));
    samples.extend(templates().into_iter().map(|value| json!({"type": "template", "template": value})));
    samples
}

fn plain() -> Vec<Value> {
    vec![
        json!({"type": "text", "text": {"body": "Hello 👋", "preview_url": true}}),
        json!({"type": "image", "image": {"media_id": MEDIA, "caption": "A house"}}),
        json!({"type": "video", "video": {"media_id": MEDIA}}),
        json!({"type": "audio", "audio": {"media_id": MEDIA, "voice": true}}),
        json!({"type": "document", "document": {"media_id": MEDIA, "filename": "invoice.pdf"}}),
        json!({"type": "sticker", "sticker": {"media_id": MEDIA}}),
        json!({"type": "location", "location": {
            "latitude": 52.5, "longitude": -13.4, "name": "Office", "address": "Main Street 1",
        }}),
        json!({"type": "contacts", "contacts": [{
            "name": {"formatted_name": "Ada Lovelace", "first_name": "Ada"},
            "phones": [{"phone": "+4915112345678", "type": "WORK"}],
            "org": {"company": "Analytical Engines"},
        }]}),
    ]
}

fn interactive() -> Vec<Value> {
    let card = |index: u8| {
        json!({
            "card_index": index,
            "type": "cta_url",
            "header": {"type": "image", "image": {"media_id": MEDIA}},
            "action": {"name": "cta_url", "parameters": {
                "display_text": "Open", "url": format!("https://example.com/{}", index + 1),
            }},
        })
    };
    let mut first = card(0);
    first["body"] = json!({"text": "First"});
    let product = |index: u8| {
        json!({
            "card_index": index,
            "type": "product",
            "action": {"catalog_id": "7", "product_retailer_id": format!("sku-{}", index + 1)},
        })
    };
    vec![
        json!({
            "type": "button",
            "header": {"type": "document", "document": {"media_id": MEDIA, "filename": "invoice.pdf"}},
            "body": {"text": "Shall we come?"},
            "footer": {"text": "Today only"},
            "action": {"buttons": [
                {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
                {"type": "reply", "reply": {"id": "n", "title": "No"}},
            ]},
        }),
        json!({
            "type": "list",
            "header": {"type": "text", "text": "Menu"},
            "body": {"text": "What would you like?"},
            "action": {"button": "Choose", "sections": [
                {"title": "Hot", "rows": [{"id": "1", "title": "Tea", "description": "Green"}]},
                {"title": "Hotter", "rows": [{"id": "2", "title": "Coffee"}]},
            ]},
        }),
        json!({
            "type": "cta_url",
            "body": {"text": "Our offer"},
            "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com/offer"}},
        }),
        json!({
            "type": "flow",
            "body": {"text": "Book a time"},
            "action": {"name": "flow", "parameters": {
                "flow_message_version": "3",
                "flow_id": "99",
                "flow_token": "t",
                "flow_cta": "Book",
                "flow_action": "navigate",
                "flow_action_payload": {"screen": "TIMES", "data": {"day": "2026-12-01"}},
                "mode": "draft",
            }},
        }),
        json!({"type": "product", "action": {"catalog_id": "7", "product_retailer_id": "sku-1"}}),
        json!({
            "type": "product_list",
            "header": {"type": "text", "text": "Our shop"},
            "body": {"text": "See these"},
            "action": {"catalog_id": "7", "sections": [
                {"title": "One", "product_items": [{"product_retailer_id": "sku-1"}]},
                {"title": "Two", "product_items": [{"product_retailer_id": "sku-2"}]},
            ]},
        }),
        json!({
            "type": "catalog_message",
            "body": {"text": "See all"},
            "action": {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku-1"}},
        }),
        json!({
            "type": "location_request_message",
            "body": {"text": "Where are you?"},
            "action": {"name": "send_location"},
        }),
        json!({"type": "carousel", "body": {"text": "Two houses"}, "action": {"cards": [first, card(1)]}}),
        json!({"type": "carousel", "body": {"text": "Two things"}, "action": {"cards": [product(0), product(1)]}}),
    ]
}

fn templates() -> Vec<Value> {
    let card = json!({"card_index": 0, "components": [
        {"type": "header", "parameters": [{"type": "video", "video": {"media_id": MEDIA}}]},
        {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [
            {"type": "payload", "payload": "more"},
        ]},
    ]});
    let full = json!({"name": "order_shipped", "language": "en_US", "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"media_id": MEDIA}}]},
        {"type": "body", "parameters": [
            {"type": "text", "text": "12345", "parameter_name": "number"},
        ]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "12345"}]},
        {"type": "button", "sub_type": "copy_code", "index": "1", "parameters": [
            {"type": "coupon_code", "coupon_code": "SAVE"},
        ]},
        {"type": "button", "sub_type": "flow", "index": "2", "parameters": [
            {"type": "action", "action": {"flow_token": "t"}},
        ]},
        {"type": "limited_time_offer", "parameters": [
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_790_000_000_000_i64}},
        ]},
        {"type": "carousel", "cards": [card]},
    ]});
    vec![full, json!({"name": "plain", "language": "de"})]
}
