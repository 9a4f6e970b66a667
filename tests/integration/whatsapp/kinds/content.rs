//! Texts, locations, contact cards and orders.

use serde_json::json;

use super::{check, parts, row};

#[tokio::test(flavor = "multi_thread")]
async fn texts_places_cards_and_orders_have_readable_text() {
    let item = |id: &str, quantity: serde_json::Value| json!({"product_retailer_id": id, "quantity": quantity, "item_price": "3.50", "currency": "EUR"});
    check(vec![
        row(
            "text",
            "text",
            json!({"body": "Hello, é 😀 \"/ <b>%@</b>"}),
            json!({"kind": "text", "text": "Hello, é 😀 \"/ <b>%@</b>"}),
        ),
        row("text that is empty", "text", json!({"body": ""}), json!({"kind": "text", "text": "Empty message"})),
        row("text that is a number", "text", json!({"body": 42}), json!({"kind": "text", "text": "42"})),
        row(
            "location",
            "location",
            json!({"latitude": 52.52, "longitude": 13.405, "name": "Office", "address": "Main St 1", "url": "https://x.example"}),
            json!({"kind": "location", "text": "Office, Main St 1", "parts": parts([
                ("name", "Name", "Office"), ("address", "Address", "Main St 1"), ("coordinates", "Coordinates", "52.52, 13.405"),
                ("url", "Link", "https://x.example"),
            ])}),
        ),
        row(
            "location without a name",
            "location",
            json!({"latitude": 52.52, "longitude": -13.405}),
            json!({"kind": "location", "text": "52.52, -13.405",
                   "parts": parts([("coordinates", "Coordinates", "52.52, -13.405")])}),
        ),
        row(
            "location as texts",
            "location",
            json!({"latitude": "1.5", "longitude": "2"}),
            json!({"kind": "location", "text": "1.5, 2", "parts": parts([("coordinates", "Coordinates", "1.5, 2")])}),
        ),
        row(
            "contacts",
            "contacts",
            json!([
                {
                    "name": {"formatted_name": "Grace Hopper", "first_name": "Grace", "last_name": "Hopper"},
                    "phones": [{"phone": "+1 555 0199", "wa_id": "15550199", "type": "CELL"}],
                    "emails": [{"email": "grace@navy.example", "type": "WORK"}],
                    "addresses": [{"street": "Main St", "city": "Arlington", "country_code": "us", "type": "HOME"}],
                    "org": {"company": "Navy", "department": "Computing", "title": "Admiral"},
                    "urls": [{"url": "https://navy.example", "type": "WORK"}], "birthday": "1906-12-09",
                    "origin": "other", "vcard": "BEGIN:VCARD",
                },
                {"phones": [{"phone": "+1 555 0188"}]},
            ]),
            json!({"kind": "contacts",
                   "text": "Grace Hopper\nPhone (cell): +1 555 0199\nEmail (work): grace@navy.example\nAddress (home): Main St, Arlington, US\n\
                            Organization: Navy, Computing, Admiral\nLink (work): https://navy.example\nBirthday: 1906-12-09\nPhone: +1 555 0188",
                   "parts": parts([
                ("name", "Name", "Grace Hopper"), ("phone", "Phone (cell)", "+1 555 0199"),
                ("email", "Email (work)", "grace@navy.example"), ("address", "Address (home)", "Main St, Arlington, US"),
                ("organization", "Organization", "Navy, Computing, Admiral"), ("url", "Link (work)", "https://navy.example"),
                ("date", "Birthday", "1906-12-09"),
                ("phone", "Phone", "+1 555 0188"),
            ])}),
        ),
        row("empty contact card", "contacts", json!([{}]), json!({"kind": "contacts", "text": "Contact card"})),
        row(
            "button of a template",
            "button",
            json!({"payload": "stop-promotions", "text": "Stop promotions"}),
            json!({"kind": "button", "text": "Stop promotions",
                   "reply_to": {"wamid": "wamid.template", "message_id": null}}),
        )
        .with("context", json!({"from": "15550000000", "id": "wamid.template"})),
        row(
            "order",
            "order",
            json!({"catalog_id": "77", "text": "Please", "product_items":
                   [item("tea", json!(2)), item("milk", json!("1")), item("sugar", json!(0.5))]}),
            json!({"kind": "order",
                   "text": "Please\n2 x tea, 3.50 EUR\n1 x milk, 3.50 EUR\n0.5 x sugar, 3.50 EUR\nTotal: 12.25 EUR",
                   "parts": parts([
                ("text", "Note", "Please"), ("item", "tea", "2 x 3.50 EUR"), ("item", "milk", "1 x 3.50 EUR"),
                ("item", "sugar", "0.5 x 3.50 EUR"), ("total", "Total", "12.25 EUR"),
            ])}),
        ),
        row("order without items", "order", json!({"catalog_id": "77"}), json!({"kind": "order", "text": "Order"})),
    ])
    .await;
}
