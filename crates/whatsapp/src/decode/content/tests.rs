use super::*;
use crate::decode::length;

/// The text, and the parts as `kind label=value`.
fn said(message: &str) -> (String, Vec<String>) {
    let MessageContent { text, parts } = MessageContent::of_payload(message).unwrap();
    let parts = parts.into_iter().map(|part| format!("{} {}={}", part.kind.into_str(), part.label, part.value));
    (text, parts.collect())
}

#[track_caller]
fn check(message: &str, text: &str, parts: &[&str]) {
    assert_eq!(said(message), (text.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect()), "{message}");
}

#[test]
fn form_answers_are_named_and_the_token_is_left_out() {
    let form = |name: &str, json: &str| {
        let json = serde_json::to_string(json).unwrap();
        format!(
            r#"{{"type":"interactive","interactive":{{"type":"nfm_reply","nfm_reply":{{"name":"{name}","body":"Sent","response_json":{json}}}}}}}"#
        )
    };
    check(
        &form(
            "flow",
            r#"{"flow_token":"secret","size":"L","gift":true,"tags":["a",2],"to":{"city":"Pune","flow_token":"x"},"no":null,"e":""}"#,
        ),
        "Sent\nsize: L\ngift: yes\ntags: a, 2\nto.city: Pune",
        &["answer size=L", "answer gift=yes", "answer tags=a, 2", "answer to.city=Pune"],
    );
    check(
        &form("address_message", r#"{"saved_address_id":"1","values":{"city":"Pune","in_pin_code":"411001"}}"#),
        "Sent\ncity: Pune\nin_pin_code: 411001",
        &["answer city=Pune", "answer in_pin_code=411001"],
    );
    check(&form("flow", "[7"), "Sent", &[]);
    check(&form("flow", r#"{"a":[{"b":1},{"b":2}]}"#), "Sent\na.b: 1\na.b: 2", &["answer a.b=1", "answer a.b=2"]);
    let deep = format!(r#"{{"a":{}1{}}}"#, r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    check(&form("flow", &deep), "Sent", &[]);
}

#[test]
fn cards_have_numbers_and_addresses() {
    check(
        r#"{"type":"contacts","contacts":[{"name":{"formatted_name":"Ada"},"phones":[{"phone":"+1 555 0199","wa_id":"15550199","type":"CELL"}],
            "emails":[{"email":"a@x.example"}],"addresses":[{"street":"Main St","city":"Arlington","country_code":"us","type":"HOME"}],
            "org":{"company":"Navy","title":"Admiral"},"urls":[{"url":"https://x.example"}],"birthday":"1906-12-09"},{"phones":[{"wa_id":"1"}]}]}"#,
        "Ada\nPhone (cell): +1 555 0199\nEmail: a@x.example\nAddress (home): Main St, Arlington, US\nOrganization: Navy, Admiral\n\
         Link: https://x.example\nBirthday: 1906-12-09\nPhone: 1",
        &[
            "name Name=Ada",
            "phone Phone (cell)=+1 555 0199",
            "email Email=a@x.example",
            "address Address (home)=Main St, Arlington, US",
            "organization Organization=Navy, Admiral",
            "url Link=https://x.example",
            "date Birthday=1906-12-09",
            "phone Phone=1",
        ],
    );
}

#[test]
fn choices_places_and_orders_have_parts() {
    check(
        r#"{"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"7","title":"Large","description":"0.5 l"}}}"#,
        "Large\n0.5 l",
        &["title Title=Large", "description Description=0.5 l"],
    );
    check(
        r#"{"type":"location","location":{"latitude":1.5,"longitude":-2,"name":"Office","address":"Main St"}}"#,
        "Office, Main St",
        &["name Name=Office", "address Address=Main St", "coordinates Coordinates=1.5, -2"],
    );
    check(
        r#"{"type":"order","order":{"text":"Please","product_items":[{"product_retailer_id":"tea","quantity":2,"item_price":3.5,"currency":"EUR"}]}}"#,
        "Please\n2 x tea, 3.5 EUR\nTotal: 7.00 EUR",
        &["text Note=Please", "item tea=2 x 3.5 EUR", "total Total=7.00 EUR"],
    );
    check(
        r#"{"type":"poll_creation","poll_creation":{"name":"Tea?","options":["Yes",{"name":"No"},7,{}]}}"#,
        "Tea?\nYes\nNo\n7",
        &["question Question=Tea?", "option Option=Yes", "option Option=No", "option Option=7"],
    );
}

#[test]
fn ad_and_product_follow_the_words() {
    check(
        r#"{"type":"text","text":{"body":"Hi"},"referral":{"source_type":"ad","headline":"Tea","body":"Fresh","source_url":"https://fb.me/1"},
            "context":{"referred_product":{"product_retailer_id":"tea-1"}}}"#,
        "Hi\nProduct: tea-1\nAd: Tea\nAd: Fresh",
        &["product Product=tea-1", "advert Ad=Tea", "advert Ad=Fresh", "url Ad=https://fb.me/1"],
    );
    check(r#"{"type":"text","text":{"body":"Hi"},"referral":"ad","context":7}"#, "Hi", &[]);
}

#[test]
fn business_messages_have_their_words_and_choices() {
    check(
        r#"{"type":"interactive","interactive":{"type":"list","header":{"type":"text","text":"Menu"},"body":{"text":"Choose"},"footer":{"text":"Bye"},
            "action":{"button":"Open","sections":[{"rows":[{"id":"1","title":"Tea","description":"hot"}],"product_items":[{"product_retailer_id":"p1"}]}],
            "buttons":[{"type":"reply","reply":{"id":"1","title":"Yes"}}],"parameters":{"display_text":"See","url":"https://x.example"}}}}"#,
        "Menu\nChoose\nBye\nYes\nTea: hot\nProduct: p1\nSee\nLink: https://x.example",
        &[
            "title Header=Menu",
            "text Body=Choose",
            "description Footer=Bye",
            "option Button=Yes",
            "option Row=Tea: hot",
            "product Product=p1",
            "option Button=See",
            "url Link=https://x.example",
        ],
    );
    check(
        r#"{"type":"template","template":{"name":"order_sent","components":[{"type":"BODY","parameters":[{"type":"text","text":"Ada"},
            {"type":"currency","currency":{"fallback_value":"3 EUR"}}]},{"type":"buttons","buttons":[{"text":"Track"}]}]}}"#,
        "Ada\n3 EUR\nTrack",
        &["text body=Ada", "text body=3 EUR", "option Button=Track", "title Template=order_sent"],
    );
    check(r#"{"type":"template","template":{"name":"hello"}}"#, "Template: hello", &["title Template=hello"]);
}

#[test]
fn content_is_bounded() {
    let answers: Vec<String> = (0..5_000).map(|n| format!(r#"\"name{n}\":\"{}\""#, "x".repeat(50))).collect();
    let message = format!(
        r#"{{"type":"interactive","interactive":{{"type":"nfm_reply","nfm_reply":{{"response_json":"{{{}}}"}}}}}}"#,
        answers.join(",")
    );
    let content = MessageContent::of_payload(&message).unwrap();
    assert_eq!(content.text.chars().count(), length::MAX_TEXT);
    assert!(content.parts.len() <= builder::MAX_PARTS);
    assert!(content.parts.iter().map(|part| part.label.len() + part.value.len()).sum::<usize>() <= length::MAX_TEXT);
    for broken in ["", "7", "[]", "{", r#"{"type":"?"}"#] {
        assert_eq!(MessageContent::of_payload(broken), None, "{broken}");
    }
}

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
        (r#"{"type":"edit","edit":{"message":{"type":"edit","edit":{"message":{"type":"text"}}}}}"#, "Message edited"),
    ];
    for (json, expected) in rows {
        let message = Object::parse(json).unwrap();
        let kind = message.text("type").unwrap();
        let body = message.object(&kind).unwrap_or_default();
        assert_eq!(text(&kind, &message, &body), expected, "{json}");
    }
}
