//! Replies to interactive messages.

use serde_json::{Value, json};

use super::{Row, bare, check, parts, row};

fn reply<const N: usize>(
    name: &'static str,
    kind: &str,
    body: Value,
    text: &str,
    said: [(&str, &str, &str); N],
) -> Row {
    let mut interactive = json!({"type": kind});
    interactive[kind] = body;
    row(name, "interactive", interactive, json!({"kind": "interactive", "text": text, "parts": parts(said)}))
}

#[tokio::test(flavor = "multi_thread")]
async fn interactive_reply_text_is_chosen_option() {
    check(vec![
        reply(
            "button_reply",
            "button_reply",
            json!({"id": "yes-1", "title": "Yes"}),
            "Yes",
            [("title", "Title", "Yes")],
        ),
        reply(
            "list_reply",
            "list_reply",
            json!({"id": "7", "title": "Large", "description": "0.5 l"}),
            "Large\n0.5 l",
            [("title", "Title", "Large"), ("description", "Description", "0.5 l")],
        ),
        reply(
            "nfm_reply of a flow",
            "nfm_reply",
            json!({"name": "flow", "body": "Sent", "response_json": "{\"flow_token\":\"t\",\"size\":\"L\"}"}),
            "Sent\nsize: L",
            [("answer", "size", "L")],
        ),
        reply(
            "nfm_reply whose answer is no object",
            "nfm_reply",
            json!({"name": "flow", "response_json": "[7"}),
            "Form sent",
            [],
        ),
        reply(
            "nfm_reply of an address",
            "nfm_reply",
            json!({"name": "address_message", "response_json": "{\"values\":{\"city\":\"Pune\"}}"}),
            "Address sent\ncity: Pune",
            [("answer", "city", "Pune")],
        ),
        reply(
            "call_permission_reply, yes",
            "call_permission_reply",
            json!({"response": "accept", "is_permanent": false, "expiration_timestamp": "1799999999",
                   "response_source": "user_action"}),
            "Calls allowed",
            [],
        ),
        reply(
            "call_permission_reply, no",
            "call_permission_reply",
            json!({"response": "reject", "expiration_timestamp": 1_799_999_999, "response_source": "automatic"}),
            "Calls not allowed",
            [],
        ),
        reply(
            "payment_method",
            "payment_method",
            json!({"payment_method": "pix", "payment_timestamp": 1_790_000_000, "reference_id": "r",
                   "last_four_digits": "1234", "credential_id": "c"}),
            "Payment: pix",
            [],
        ),
        reply(
            "product",
            "product",
            json!({"product_retailer_id": "tea", "catalog_id": "77"}),
            "Product: tea",
            [("product", "Product", "tea")],
        ),
        reply(
            "something new",
            "swipe_reply",
            json!({"id": "1", "title": "Left"}),
            "Left",
            [("title", "Title", "Left")],
        ),
        reply("unknown reply without text", "shake_reply", json!({"x": 1}), "Interactive reply", []),
        reply("a reply that is no object", "button_reply", json!(7), "Interactive reply", []),
        bare("interactive without a body", json!({"kind": "interactive", "text": "Interactive reply"}))
            .with("type", json!("interactive")),
    ])
    .await;
}
