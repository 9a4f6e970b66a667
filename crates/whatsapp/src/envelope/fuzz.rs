//! Property tests with arbitrary JSON at any place of a delivery: no panic, valid items survive, no bytes are lost.
//!
//! `PROPTEST_CASES` sets the number of cases.

use kernel::SystemClock;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::splitter::MAX_KEY;
use super::tests::{delivery_of, split, value};
use super::*;
use crate::EventKind;

/// Places of items: the field, its value (`@`: the items, `%`: any JSON), and a valid item.
const PLACES: [(&str, &str, &str); 17] = [
    ("messages", r#""messages":[@],"statuses":%"#, MESSAGE),
    ("messages", r#""messages":%,"statuses":[@]"#, STATUS),
    ("standby", r#""messages":[@]"#, MESSAGE),
    ("standby", r#""statuses":[@],"message_echoes":[%]"#, STATUS),
    ("standby", r#""message_echoes":[@]"#, ECHO),
    ("smb_message_echoes", r#""message_echoes":[@]"#, ECHO),
    (
        "calls",
        r#""calls":[@]"#,
        r#"{"id":"wacid.GOOD","event":"connect","direction":"USER_INITIATED","from":"15550100"}"#,
    ),
    ("calls", r#""calls":[%],"statuses":[@]"#, r#"{"id":"wacid.GOOD","status":"RINGING","recipient_id":"15550100"}"#),
    ("user_preferences", r#""user_preferences":[@]"#, r#"{"wa_id":"15550100","value":"stop"}"#),
    (
        "user_id_update",
        r#""user_id_update":[@]"#,
        r#"{"wa_id":"15550100","user_id":{"previous":"US.1","current":"US.2"}}"#,
    ),
    ("smb_app_state_sync", r#""state_sync":[@]"#, r#"{"type":"contact","contact":{"phone_number":"15550100"}}"#),
    ("history", r#""history":[{"threads":[{"id":"15550100","messages":[@]}]}]"#, MESSAGE),
    ("history", r#""history":[%,{"threads":[%,{"id":"15550100","x":%,"messages":[@]},%],"metadata":%},%]"#, MESSAGE),
    ("history", r#""messages":[@],"history":%"#, MESSAGE),
    ("history", r#""message_echoes":[@],"history":[{"threads":%}]"#, ECHO),
    ("history", r#""history":[@]"#, r#"{"errors":[{"code":2593109}]}"#),
    ("messages", r#""messages":[@],"user_actions":%"#, REACTION),
];
const MESSAGE: &str = r#"{"id":"wamid.GOOD","from":"15550100","type":"text","text":{"body":"hello"}}"#;
const ECHO: &str = r#"{"id":"wamid.GOOD","to":"15550100","type":"text","text":{"body":"hello"}}"#;
const STATUS: &str = r#"{"id":"wamid.GOOD","status":"read","recipient_id":"15550100"}"#;
const REACTION: &str = r#"{"id":"wamid.GOOD","from":"15550100","type":"reaction","reaction":{"message_id":"wamid.A"}}"#;

/// Keys that mean something somewhere.
const KEYS: [&str; 60] = [
    "entry",
    "changes",
    "value",
    "field",
    "messages",
    "statuses",
    "contacts",
    "metadata",
    "id",
    "type",
    "text",
    "body",
    "from",
    "from_user_id",
    "to",
    "to_user_id",
    "wa_id",
    "user_id",
    "profile",
    "name",
    "username",
    "reaction",
    "message_id",
    "emoji",
    "edit",
    "message",
    "original_message_id",
    "revoke",
    "system",
    "previous_user_id",
    "image",
    "caption",
    "document",
    "filename",
    "interactive",
    "nfm_reply",
    "contact",
    "phones",
    "phone",
    "origin",
    "context",
    "referral",
    "errors",
    "code",
    "unsupported",
    "status",
    "recipient_id",
    "recipient_type",
    "history",
    "threads",
    "history_context",
    "calls",
    "event",
    "duration",
    "direction",
    "timestamp",
    "group_id",
    "action",
    "ban_info",
    "waba_info",
];
/// Values with a meaning in some place.
const WORDS: [&str; 28] = [
    "messages",
    "standby",
    "history",
    "calls",
    "account_update",
    "text",
    "image",
    "document",
    "contacts",
    "interactive",
    "nfm_reply",
    "reaction",
    "edit",
    "revoke",
    "system",
    "unsupported",
    "user_changed_number",
    "user_changed_user_id",
    "contact_request",
    "read",
    "group",
    "terminate",
    "connect",
    "stop",
    "remove",
    "contact",
    "DISABLED_UPDATE",
    "15550100",
];

/// Arbitrary JSON, with repeated keys.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| number.to_string())),
        "[a-z0-9 .:]{0,12}".prop_map(|text| format!("{text:?}")),
        prop::sample::select(&WORDS[..]).prop_map(|word| format!("{word:?}")),
        Just(r#""\ud800 \u0000""#.to_owned()),
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let key = prop_oneof![
            1 => "[a-z_]{0,8}".prop_map(|key| format!("{key:?}")),
            6 => prop::sample::select(&KEYS[..]).prop_map(|key| format!("{key:?}")),
            1 => Just(r#""\udc00""#.to_owned()),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| object(&members)),
        ]
    })
}

/// An item of a known type with arbitrary contents.
fn any_item() -> impl Strategy<Value = String> {
    let member = (prop::sample::select(&KEYS[..]).prop_map(|key| format!("{key:?}")), any_json());
    (prop::sample::select(&WORDS[..]), prop::collection::vec(member, 0..6), any_json()).prop_map(
        |(kind, mut members, body)| {
            members.push((r#""id""#.to_owned(), r#""wamid.X""#.to_owned()));
            members.push((r#""type""#.to_owned(), format!("{kind:?}")));
            members.push((format!("{kind:?}"), body));
            object(&members)
        },
    )
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn delivery((field, shape, _): (&str, &str, &str), items: &str, people: &str, anything: &str) -> String {
    let members = shape.replace('%', anything).replace('@', items);
    delivery_of(field, &value(&format!(r#""contacts":[{people}{{"wa_id":"15550100"}}],{members}"#)))
}

/// A tree whose leaves are all different; no two members of an object have the same key.
fn marked_tree() -> impl Strategy<Value = Value> {
    // Without the members that items share or take from their thread: broken items do not get them.
    const KEYS: [&str; 12] = [
        "messages",
        "statuses",
        "message_echoes",
        "calls",
        "user_preferences",
        "user_id_update",
        "state_sync",
        "history",
        "threads",
        "x",
        "y",
        "type",
    ];
    let tree = Just(Value::Null).prop_recursive(7, 48, 4, |inner| {
        let member = (prop::sample::select(&KEYS[..]).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            prop::collection::vec(member, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    });
    tree.prop_map(|mut tree| {
        mark(&mut tree, &mut 0);
        tree
    })
}

fn mark(tree: &mut Value, next: &mut u32) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, next)),
        Value::Object(members) => members.values_mut().for_each(|member| mark(member, next)),
        leaf => {
            *leaf = Value::from(format!("leaf {next}"));
            *next += 1;
        }
    }
}

fn leaves(tree: &Value) -> Vec<String> {
    match tree {
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(members) => members.values().flat_map(leaves).collect(),
        leaf => vec![leaf.to_string()],
    }
}

/// A shape with the tree at all its places, and the leaves of each copy.
fn marked(shape: &str, tree: &Value) -> (String, Vec<String>) {
    let (mut body, mut all) = (String::new(), Vec::new());
    for (n, part) in shape.split(['%', '@']).enumerate() {
        let at = |text: &str| text.replace("leaf ", &format!("leaf {n}."));
        if n > 0 {
            body.push_str(&at(&tree.to_string()));
            all.extend(leaves(tree).iter().map(|leaf| at(leaf)));
        }
        body.push_str(part);
    }
    (body, all)
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic_and_are_kept(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let events = super::split(&body, &SystemClock::new());
        prop_assert!(events.len() == 1 && events[0].payload == body || Object::parse(&String::from_utf8_lossy(&body)).is_some());
    }

    #[test]
    fn arbitrary_json_is_decoded_or_refused(json in any_json()) {
        for event in split(&json) {
            let _ = crate::decode(&event.kind, &event.payload);
            prop_assert!(event.dedupe_key.len() <= MAX_KEY);
        }
    }

    #[test]
    fn arbitrary_value_of_a_field_does_not_panic(field in prop::sample::select(&["security", "account_update", "business_username_update"][..]), json in any_json()) {
        for event in split(&delivery_of(field, &json)) {
            prop_assert!(crate::decode(&event.kind, &event.payload).is_ok() || event.kind == EventKind::unparsed());
        }
    }

    #[test]
    fn arbitrary_item_of_a_list_does_not_panic(place in prop::sample::select(&PLACES[..]), item in any_item(), person in any_json(), anything in any_json()) {
        for event in split(&delivery(place, &item, &format!("{person},"), &anything)) {
            prop_assert!(event.dedupe_key.len() <= MAX_KEY);
            prop_assert!(event.kind == EventKind::unparsed() || Object::parse(&String::from_utf8_lossy(&event.payload)).is_some());
            let _ = crate::decode(&event.kind, &event.payload);
            let _ = crate::decode(&event.kind, anything.as_bytes());
        }
    }

    #[test]
    fn valid_item_survives_arbitrary_neighbours(place in prop::sample::select(&PLACES[..]), before in any_json(), after in any_item(), anything in any_json()) {
        let good = place.2;
        let decoded = |event: &NewEvent| crate::decode(&event.kind, &event.payload);
        let alone = split(&delivery(place, good, "", "null")).into_iter().find(|event| decoded(event).is_ok_and(|it| it.update.is_some())).unwrap();
        let expected = decoded(&alone).unwrap();
        let events = split(&delivery(place, &format!("{before},{good},{after}"), &format!("{before},"), &anything));
        let found = events.iter().find(|event| decoded(event).as_ref() == Ok(&expected));
        prop_assert!(found.is_some(), "{events:?}");
        prop_assert!(found.is_some_and(|event| event.dedupe_key == alone.dedupe_key || alone.dedupe_key.starts_with("h:")));
    }

    #[test]
    fn no_leaf_is_lost(place in prop::sample::select(&PLACES[..]), tree in marked_tree()) {
        let (field, shape, _) = place;
        for (body, leaves) in [marked("%", &tree), marked(&format!("{{{shape}}}"), &tree)] {
            let events = split(&delivery_of(field, &body));
            let payloads: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(&event.payload)).collect();
            for leaf in leaves {
                prop_assert!(payloads.iter().any(|payload| payload.contains(&leaf)), "{leaf} of {body}");
            }
        }
    }
}
