use kernel::SystemClock;
use proptest::prelude::*;

use super::*;

fn split(body: &str) -> Vec<NewEvent> {
    super::split(body.as_bytes(), &SystemClock::new())
}

fn delivery(value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"value":{value},"field":"messages"}}]}}]}}"#
    )
}

fn value(rest: &str) -> String {
    format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550001","phone_number_id":"100"}},{rest}}}"#
    )
}

#[test]
fn each_message_and_status_is_an_event_with_its_own_person() {
    let events = split(&delivery(&value(
        r#""contacts":[{"wa_id":"1","user_id":"US.1"},{"wa_id":"2"}],
           "messages":[{"id":"wamid.A","from":"2"},{"id":"wamid.B","from_user_id":"US.1"}],
           "statuses":[{"id":"wamid.C","status":"read","recipient_id":"1"}]"#,
    )));
    let keys: Vec<&str> = events.iter().map(|event| event.dedupe_key.as_str()).collect();
    assert_eq!(keys, ["m:100:wamid.A", "m:100:wamid.B", "s:wamid.C:read:"]);
    let payload = |n: usize| String::from_utf8(events[n].payload.clone()).unwrap();
    assert!(payload(0).contains(r#""contacts":[{"wa_id":"2"}]"#) && !payload(0).contains("wamid.B"));
    assert!(payload(1).contains("US.1") && payload(1).contains(r#""id":"900""#));
    assert!(events.iter().all(|event| event.phone_number_id.as_deref() == Some("100")));
    assert!(events.iter().all(|event| serde_json::from_slice::<serde_json::Value>(&event.payload).is_ok()));
}

#[test]
fn the_same_thing_has_the_same_key_however_it_is_grouped() {
    let (a, b) = (r#"{"id":"wamid.A","from":"1"}"#, r#"{"id":"wamid.B","from":"1"}"#);
    let together = split(&delivery(&value(&format!(r#""messages":[{a},{b}]"#))));
    let alone = split(&delivery(&value(&format!(r#""messages":[{b}]"#))));
    assert_eq!(together[1].dedupe_key, alone[0].dedupe_key);
}

#[test]
fn what_is_not_understood_is_kept_and_harms_nothing() {
    let events = split(&delivery(&value(r#""messages":[7,{"id":"wamid.A"},null,{}]"#)));
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["unparsed", "message", "unparsed", "message"]);
    for body in [
        "",
        "no json",
        "[]",
        "{}",
        r#"{"entry":{}}"#,
        r#"{"entry":[{"id":"900"}]}"#,
        r#"{"entry":[{"id":"900","changes":[{}]}]}"#,
    ] {
        let events = split(body);
        assert_eq!((events.len(), events[0].kind.as_str()), (1, "unparsed"), "{body}");
    }
    assert_eq!(split(r#"{"object":"whatsapp_business_account","entry":[]}"#).len(), 0);
    assert_eq!(super::split(b"\xff\xfe", &SystemClock::new())[0].payload, b"\xff\xfe");
}

#[test]
fn other_changes_are_events_of_their_field() {
    let change = |field: &str| {
        split(&format!(r#"{{"entry":[{{"id":900,"changes":[{{"field":{field},"value":{{"event":"X"}}}}]}}]}}"#))
    };
    let events = change(r#""account_update""#);
    assert_eq!(events[0].kind.as_str(), "account_update");
    assert_eq!((events[0].waba_id.as_deref(), events[0].phone_number_id.as_deref()), (Some("900"), None));
    assert!(events[0].dedupe_key.starts_with("h:"));
    assert_eq!(change(r#""Ünknown field""#)[0].kind.as_str(), "other");
    assert_eq!(change("7")[0].kind.as_str(), "7");
    // `messages` with neither messages nor statuses, such as errors of the account.
    assert_eq!(split(&delivery(&value(r#""errors":[{"code":131000}]"#)))[0].kind.as_str(), "messages");
}

#[test]
fn long_keys_are_hashed() {
    let events = split(&delivery(&value(&format!(r#""messages":[{{"id":"{}"}}]"#, "x".repeat(5_000)))));
    assert_eq!(events[0].dedupe_key.len(), 66);
}

#[test]
fn the_same_change_of_two_accounts_is_two_events_and_of_one_account_again_is_another() {
    let change = |waba: &str, time: u32| {
        let body = format!(
            r#"{{"entry":[{{"id":"{waba}","time":{time},"changes":[{{"field":"account_update","value":{{"event":"X"}}}}]}}]}}"#
        );
        split(&body).remove(0).dedupe_key
    };
    assert_eq!(change("1", 7), change("1", 7));
    assert_ne!(change("1", 7), change("2", 7));
    assert_ne!(change("1", 7), change("1", 8));
}

#[test]
fn what_makes_no_sense_for_two_numbers_is_two_events() {
    let key = |phone: &str| {
        let body = delivery(&format!(r#"{{"metadata":{{"phone_number_id":"{phone}"}},"messages":[7]}}"#));
        split(&body).remove(0).dedupe_key
    };
    assert_eq!(key("100"), key("100"));
    assert_ne!(key("100"), key("200"));
}

#[test]
fn no_field_passes_for_a_message() {
    for field in ["message", "status", "unparsed"] {
        let body = format!(r#"{{"entry":[{{"id":"1","changes":[{{"field":"{field}","value":{{}}}}]}}]}}"#);
        assert_eq!(split(&body)[0].kind.as_str(), "other");
    }
}

#[test]
fn what_stands_beside_the_messages_is_kept_once() {
    let events = split(&delivery(&value(
        r#""contacts":[],"messages":[{"id":"wamid.A"},{"id":"wamid.B"},{"id":"wamid.A"}],"user_actions":[{"x":1}]"#,
    )));
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["message", "message", "messages"]);
    let with_actions = events.iter().filter(|event| String::from_utf8_lossy(&event.payload).contains("user_actions"));
    assert_eq!(with_actions.count(), 1);
}

/// JSON of any shape, with keys that mean something here more often than by chance.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| number.to_string())),
        "[a-z0-9 .:]{0,12}".prop_map(|text| format!("{text:?}")),
        Just(r#""\ud800 \u0000""#.to_owned()),
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let key = prop_oneof![
            "[a-z_]{0,8}",
            prop::sample::select(vec![
                "entry", "changes", "value", "field", "messages", "statuses", "contacts", "metadata", "id"
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| {
                let members: Vec<String> = members.into_iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_vanish(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let events = super::split(&body, &SystemClock::new());
        prop_assert!(events.len() == 1 && events[0].payload == body || Object::parse(&String::from_utf8_lossy(&body)).is_some());
    }

    #[test]
    fn no_json_panics_and_all_of_it_is_decoded_or_refused(json in any_json()) {
        for event in split(&json) {
            let _ = crate::decode_message(&event.payload);
            prop_assert!(event.dedupe_key.len() <= MAX_KEY);
        }
    }

    #[test]
    fn a_good_message_survives_any_neighbour(before in any_json(), after in any_json(), person in any_json()) {
        let good = r#"{"id":"wamid.GOOD","from":"15550100","type":"text","text":{"body":"hello"}}"#;
        let events = split(&delivery(&value(&format!(
            r#""contacts":[{person},{{"wa_id":"15550100"}}],"messages":[{before},{good},{after}]"#
        ))));
        let event = events.iter().find(|event| event.dedupe_key == "m:100:wamid.GOOD").unwrap();
        let decoded = crate::decode_message(&event.payload).unwrap();
        prop_assert_eq!(decoded.text, "hello");
        prop_assert_eq!(decoded.payload, good);
        prop_assert_eq!(decoded.phone.as_deref(), Some("15550100"));
    }
}

#[test]
fn a_thousand_messages_of_a_thousand_people_are_split_at_once() {
    let (mut people, mut messages) = (Vec::new(), Vec::new());
    for n in 0..1_000 {
        people.push(format!(r#"{{"wa_id":"{n}","user_id":"US.{n}"}}"#));
        messages.push(format!(r#"{{"id":"wamid.{n}","from_user_id":"US.{n}"}}"#));
    }
    let (people, messages) = (people.join(","), messages.join(","));
    let events = split(&delivery(&value(&format!(r#""contacts":[{people}],"messages":[{messages}]"#))));
    assert_eq!(events.len(), 1_000);
    assert!(String::from_utf8_lossy(&events[999].payload).contains(r#""wa_id":"999""#));
}
