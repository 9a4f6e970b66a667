use proptest::prelude::*;

use super::*;
use crate::content::ContentErrorKind;

fn full() -> Value {
    json!({"components": [
        {"type": "header", "parameters": [text("4711")]},
        {"type": "body", "parameters": [text("Ada"), text("4711")]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [text("9")]},
    ]})
}

fn short() -> Value {
    json!({"parameters": {"header": {"1": "4711"}, "body": {"1": "Ada", "2": "4711"}, "buttons": {"1": "9"}}})
}

#[test]
fn both_forms_become_the_same_call() {
    let template = order_shipped();
    let (full, short) = (filled(&template, full()), filled(&template, short()));
    assert_eq!(full, short);
    assert_eq!(
        meta(&full),
        json!({"name": "order_shipped", "language": {"code": "en_US"}, "components": [
            {"type": "header", "parameters": [text("4711")]},
            {"type": "body", "parameters": [text("Ada"), text("4711")]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [text("9")]},
        ]})
    );
}

#[test]
fn text_and_parts_are_what_the_customer_sees() {
    let filled = filled(&order_shipped(), short());
    assert_eq!(filled.text(), "Hello Ada, order 4711 is on its way. Bye Ada!");
    let parts: Vec<(String, String)> = filled.parts().into_iter().map(|part| (part.label, part.value)).collect();
    let expected = [
        ("Header", "Order 4711"),
        ("Body", "Hello Ada, order 4711 is on its way. Bye Ada!"),
        ("Footer", "The shop"),
        ("Button", "Thanks"),
        ("Button", "Track"),
        ("Link", "https://example.com/t/9"),
        ("Button", "Shop"),
        ("Link", "https://example.com"),
        ("Template", "order_shipped"),
    ];
    assert_eq!(parts, expected.map(|(label, value)| (label.to_owned(), value.to_owned())));
}

#[test]
fn named_parameters_keep_their_names_in_any_order() {
    let named = |name: &str, value: &str| json!({"type": "text", "text": value, "parameter_name": name});
    let full =
        json!({"components": [{"type": "body", "parameters": [named("day", "Monday"), named("first_name", "Ada")]}]});
    let short = json!({"parameters": {"body": {"first_name": "Ada", "day": "Monday"}}});
    let template = greeting();
    assert_eq!(filled(&template, full.clone()), filled(&template, short));
    let filled = filled(&template, full);
    assert_eq!(filled.text(), "Hello Ada, it is Monday.");
    let expected = json!([named("first_name", "Ada"), named("day", "Monday")]);
    assert_eq!(meta(&filled)["components"][0]["parameters"], expected);
}

#[test]
fn what_is_missing_is_named_in_both_forms() {
    let template = order_shipped();
    for (part, pointer) in [
        ("header", "/template/parameters/header/1"),
        ("body", "/template/parameters/body/1"),
        ("buttons", "/template/parameters/buttons/1"),
    ] {
        let mut short = short();
        short["parameters"].as_object_mut().unwrap().remove(part);
        let error = error(&template, short);
        assert_eq!((error.pointer.as_str(), error.kind), (pointer, ContentErrorKind::Missing));
    }
    for (index, message) in [
        (0, "the header needs the parameter 1"),
        (1, "the body needs the parameter 1"),
        (2, "the button at position 1 needs a parameter"),
    ] {
        let mut full = full();
        full["components"].as_array_mut().unwrap().remove(index);
        let error = error(&template, full);
        assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/template/components", message));
    }
    let mut full = full();
    full["components"][1]["parameters"].as_array_mut().unwrap().pop();
    let error = error(&template, full);
    assert_eq!(error.pointer, "/template/components/1/parameters");
    assert_eq!(error.message, "the body needs the parameter 2");
}

#[test]
fn what_is_too_much_is_named() {
    let template = order_shipped();
    let mut third = full();
    third["components"][1]["parameters"].as_array_mut().unwrap().push(text("x"));
    let too_many = error(&template, third);
    assert_eq!(too_many.pointer, "/template/components/1/parameters/2");
    assert_eq!(too_many.message, "the body of this template has 2 parameters");

    let mut short = short();
    short["parameters"]["body"]["3"] = json!("x");
    assert_eq!(error(&template, short).pointer, "/template/parameters/body/3");

    let header = json!({"components": [{"type": "header", "parameters": [text("x")]}]});
    let bare = super::template("POSITIONAL", &json!([{"type": "BODY", "text": "Hi"}]));
    assert_eq!(error(&bare, header).message, "the template has no header");

    let mut button = full();
    button["components"][2]["index"] = json!(3);
    assert_eq!(error(&template, button).message, "the button at position 1 needs a parameter");

    let mut fourth = full();
    let extra = json!({"type": "button", "sub_type": "url", "index": "3", "parameters": [text("x")]});
    fourth["components"].as_array_mut().unwrap().push(extra);
    assert_eq!(error(&template, fourth).message, "the template has 3 buttons, counted from 0");

    let mut twice = full();
    let again = twice["components"][1].clone();
    twice["components"].as_array_mut().unwrap().push(again);
    assert_eq!(error(&template, twice).pointer, "/template/components/3");
}

#[test]
fn names_and_numbers_are_not_mixed() {
    let unnamed = json!({"components": [{"type": "body", "parameters": [text("a"), text("b")]}]});
    let error_of_name = error(&greeting(), unnamed);
    assert_eq!(error_of_name.pointer, "/template/components/0/parameters/0/parameter_name");
    let mut named = full();
    named["components"][1]["parameters"][0]["parameter_name"] = json!("first_name");
    assert_eq!(error(&order_shipped(), named).pointer, "/template/components/1/parameters/0/parameter_name");
}

#[test]
fn header_must_be_of_the_type_of_the_template() {
    let template = picture();
    let image = json!({"type": "image", "image": {"media_id": MEDIA}});
    let header = |parameters: Value| json!({"components": [{"type": "header", "parameters": parameters}]});
    let sent = meta(&filled(&template, header(json!([image]))));
    assert_eq!(
        sent["components"],
        json!([{"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]}])
    );
    let short = filled(&template, json!({"parameters": {"header": {"media_id": MEDIA}}}));
    assert_eq!(meta(&short), sent);

    let video = json!({"type": "video", "video": {"media_id": MEDIA}});
    for (parameters, pointer, message) in [
        (json!([video]), "/template/components/0/parameters/0", "the header of this template is: image"),
        (json!([text("x")]), "/template/components/0/parameters/0", "the header of this template is: image"),
        (json!([image, image]), "/template/components/0/parameters/1", "the header takes one parameter"),
        (json!([]), "/template/components/0/parameters", "the header needs one parameter: image"),
    ] {
        let error = error(&template, header(parameters));
        assert_eq!((error.pointer.as_str(), error.message.as_str()), (pointer, message));
    }
    assert_eq!(error(&template, json!({})).pointer, "/template/components");
    let text_for_media = error(&order_shipped(), header(json!([image])));
    assert_eq!(text_for_media.message, "expected a text");
}

#[test]
fn words_that_meta_refuses_are_refused() {
    let template = greeting();
    let with = |day: &str| json!({"parameters": {"body": {"first_name": "Ada", "day": day}}});
    filled(&template, with("a    b"));
    for (day, message) in [
        ("a\nb", "must not have line breaks or tabs"),
        ("a\tb", "must not have line breaks or tabs"),
        ("a     b", "must not have more than 4 spaces in a row"),
    ] {
        let error = error(&template, with(day));
        assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/template/parameters/body/day", message));
    }
}

#[test]
fn filled_texts_are_measured() {
    let template = order_shipped();
    let with = |length: usize| {
        let mut short = short();
        short["parameters"]["header"]["1"] = json!("ä".repeat(length));
        short
    };
    filled(&template, with(54));
    assert_eq!(error(&template, with(55)).message, "the filled header has 61 characters; at most 60 are allowed");
    let mut long = short();
    long["parameters"]["body"]["2"] = json!("x".repeat(1_000));
    assert_eq!(error(&template, long).pointer, "/template/parameters/body");
    // A body alone may be longer.
    filled(&greeting(), json!({"parameters": {"body": {"first_name": "x".repeat(2_000), "day": "y"}}}));
}

#[test]
fn buttons_take_what_their_type_wants() {
    let template = template(
        "POSITIONAL",
        &json!([
            {"type": "BODY", "text": "Hi"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Yes"},
                {"type": "COPY_CODE", "text": "Copy", "example": "SAVE"},
                {"type": "URL", "text": "Shop", "url": "https://example.com"},
                {"type": "FLOW", "text": "Book"},
            ]},
        ]),
    );
    let code = filled(&template, json!({"parameters": {"buttons": {"0": "yes!", "1": "SAVE20"}}}));
    assert_eq!(
        meta(&code)["components"],
        json!([
            {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "yes!"}]},
            {"type": "button", "sub_type": "copy_code", "index": "1", "parameters": [
                {"type": "coupon_code", "coupon_code": "SAVE20"},
            ]},
        ])
    );
    let button = |sub_type: &str, index: u8, parameter: Value| {
        let code = json!({"type": "coupon_code", "coupon_code": "SAVE"});
        let mut components =
            vec![json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]})];
        if index != 1 {
            components.push(json!({"type": "button", "sub_type": "copy_code", "index": 1, "parameters": [code]}));
        }
        json!({ "components": components })
    };
    let flow = json!({"type": "action", "action": {"flow_token": "t"}});
    filled(&template, button("flow", 3, flow));
    for (call, pointer, message) in [
        (
            button("copy_code", 1, text("SAVE")),
            "/template/components/0/parameters/0",
            "the button takes a parameter of type coupon_code",
        ),
        (
            button("quick_reply", 0, text("a")),
            "/template/components/0/parameters/0",
            "the button takes a parameter of type payload",
        ),
        (
            button("url", 0, text("a")),
            "/template/components/0/sub_type",
            "the button at this position is of type quick_reply",
        ),
        (button("url", 2, text("a")), "/template/components/0", "this button takes no parameter"),
    ] {
        let error = error(&template, call);
        assert_eq!((error.pointer.as_str(), error.message.as_str()), (pointer, message));
    }
    let flow = json!({"parameters": {"buttons": {"1": "SAVE", "3": "x"}}});
    assert_eq!(error(&template, flow).message, "this button needs components, not parameters");
}

#[test]
fn address_of_a_button_stays_an_address() {
    let mut short = short();
    short["parameters"]["buttons"]["1"] = json!("a b");
    assert_eq!(error(&order_shipped(), short).pointer, "/template/parameters/buttons/1");
}

#[test]
fn code_is_given_to_body_and_button() {
    let template = template(
        "POSITIONAL",
        &json!([
            {"type": "BODY", "text": "*{{1}}* is your code."},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
        ]),
    );
    let filled = filled(&template, json!({"parameters": {"body": {"1": "123456"}, "buttons": {"0": "123456"}}}));
    assert_eq!(filled.text(), "*123456* is your code.");
    assert_eq!(meta(&filled)["components"][1]["sub_type"], "url");
}

#[test]
fn each_card_is_filled() {
    let template = carousel();
    let card = |index: u8| {
        json!({"card_index": index, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"media_id": MEDIA}}]},
            {"type": "body", "parameters": [text("1")]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [text("a")]},
        ]})
    };
    let call = |cards: Value| json!({"components": [{"type": "carousel", "cards": cards}]});
    let filled = filled(&template, call(json!([card(0), card(1)])));
    assert_eq!(filled.rendered.cards[1].body.as_deref(), Some("House 1"));
    assert_eq!(meta(&filled)["components"][0]["cards"].as_array().unwrap().len(), 2);
    assert_eq!(error(&template, call(json!([card(0)]))).message, "the template has 2 cards");
    assert_eq!(error(&template, json!({})).message, "this template needs a component of type carousel");
    let mut bare = card(1);
    bare["components"].as_array_mut().unwrap().pop();
    let error = error(&template, call(json!([card(0), bare])));
    assert_eq!(error.pointer, "/template/components/0/cards/1/components");
}

#[test]
fn end_of_an_offer_must_be_given() {
    let template = template(
        "POSITIONAL",
        &json!([
            {"type": "BODY", "text": "Hi"},
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": true}},
        ]),
    );
    let offer = json!({"components": [{"type": "limited_time_offer", "parameters": [
        {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1}},
    ]}]});
    filled(&template, offer.clone());
    assert_eq!(error(&template, json!({})).message, "this template needs a component of type limited_time_offer");
    assert_eq!(
        error(
            &greeting(),
            json!({"components": [
                {"type": "body", "parameters": [
                    {"type": "text", "text": "a", "parameter_name": "first_name"},
                    {"type": "text", "text": "b", "parameter_name": "day"},
                ]},
                offer["components"][0],
            ]})
        )
        .message,
        "the template has no offer that ends"
    );
}

#[test]
fn preview_shows_what_the_customer_will_see() {
    let shown = preview(&order_shipped(), Some(&short()["parameters"])).unwrap();
    assert_eq!(shown.to_json()["header"], json!({"type": "text", "text": "Order 4711"}));
    assert_eq!(
        shown.to_json()["buttons"][1],
        json!({"type": "url", "text": "Track", "url": "https://example.com/t/9"})
    );
    let error = preview(&order_shipped(), Some(&json!({"header": {"1": "4711"}}))).unwrap_err();
    assert_eq!(error.pointer, "/parameters/body/1");
    let picture = preview(&picture(), None).unwrap();
    assert_eq!(picture.to_json()["header"], json!({"type": "image"}), "a file may be left out");
    assert_eq!(picture.body.as_deref(), Some("Look!"));
}

proptest! {
    /// Whatever is given, what passes has exactly the parameters of the template.
    #[test]
    fn passed_call_has_each_parameter_once(
        header in 0..3_usize, body in 0..4_usize, button in prop::option::of(0..4_u16),
    ) {
        let texts = |count: usize| vec![text("x"); count];
        let mut components = vec![
            json!({"type": "header", "parameters": texts(header)}),
            json!({"type": "body", "parameters": texts(body)}),
        ];
        components.extend(button.map(|index| {
            json!({"type": "button", "sub_type": "url", "index": index, "parameters": texts(1)})
        }));
        let result = check(&order_shipped(), &call(json!({ "components": components })));
        prop_assert_eq!(result.is_ok(), (header, body, button) == (1, 2, Some(1)));
    }
}
