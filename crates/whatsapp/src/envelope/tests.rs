use kernel::SystemClock;

use super::splitter::{MAX_COPIED, MAX_ITEM};
use super::*;

pub(super) fn split(body: &str) -> Vec<NewEvent> {
    super::split(body.as_bytes(), &SystemClock::new())
}

fn delivery(value: &str) -> String {
    delivery_of("messages", value)
}

pub(super) fn delivery_of(field: &str, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"value":{value},"field":"{field}"}}]}}]}}"#
    )
}

pub(super) fn value(rest: &str) -> String {
    format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550001","phone_number_id":"100"}},{rest}}}"#
    )
}

#[test]
fn each_item_is_an_event_with_its_own_contact() {
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
fn item_key_does_not_depend_on_grouping() {
    let (a, b) = (r#"{"id":"wamid.A","from":"1"}"#, r#"{"id":"wamid.B","from":"1"}"#);
    let together = split(&delivery(&value(&format!(r#""messages":[{a},{b}]"#))));
    let alone = split(&delivery(&value(&format!(r#""messages":[{b}]"#))));
    assert_eq!(together[1].dedupe_key, alone[0].dedupe_key);
}

#[test]
fn unknown_parts_are_kept_and_harm_no_others() {
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
fn repeated_item_is_one_event() {
    let change = format!(r#"{{"field":"messages","value":{}}}"#, value(r#""messages":[{"id":"wamid.A"}]"#));
    let events = split(&format!(r#"{{"entry":[{{"id":"900","changes":[{change},{change}]}}]}}"#));
    assert_eq!((events.len(), events[0].dedupe_key.as_str()), (1, "m:100:wamid.A"));
}

#[test]
fn long_keys_are_hashed() {
    let events = split(&delivery(&value(&format!(r#""messages":[{{"id":"{}"}}]"#, "x".repeat(5_000)))));
    assert_eq!(events[0].dedupe_key.len(), 66);
}

#[test]
fn fingerprint_depends_on_account_and_bytes() {
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
fn unparsed_item_of_two_numbers_is_two_events() {
    let key = |phone: &str| {
        let body = delivery(&format!(r#"{{"metadata":{{"phone_number_id":"{phone}"}},"messages":[7]}}"#));
        split(&body).remove(0).dedupe_key
    };
    assert_eq!(key("100"), key("100"));
    assert_ne!(key("100"), key("200"));
}

#[test]
fn unknown_field_is_not_a_message() {
    for field in ["message", "status", "unparsed"] {
        let body = format!(r#"{{"entry":[{{"id":"1","changes":[{{"field":"{field}","value":{{}}}}]}}]}}"#);
        assert_eq!(split(&body)[0].kind.as_str(), "other");
    }
}

#[test]
fn members_beside_messages_are_kept_once() {
    let events = split(&delivery(&value(
        r#""contacts":[],"messages":[{"id":"wamid.A"},{"id":"wamid.B"},{"id":"wamid.A"}],"user_actions":[{"x":1}]"#,
    )));
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["message", "message", "messages"]);
    let with_actions = events.iter().filter(|event| String::from_utf8_lossy(&event.payload).contains("user_actions"));
    assert_eq!(with_actions.count(), 1);
}

#[test]
fn thousand_messages_of_thousand_people_are_split() {
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

/// `kind key` of each event of a change.
fn keys(field: &str, members: &str) -> Vec<String> {
    let events = split(&delivery_of(field, &value(members)));
    let shown = |event: &NewEvent| match event.dedupe_key.strip_prefix("h:") {
        Some(_) => event.kind.to_string(),
        None => format!("{} {}", event.kind, event.dedupe_key),
    };
    events.iter().map(shown).collect()
}

#[test]
fn each_field_has_lists_of_its_own() {
    let rows: [(&str, &str, &[&str]); 12] = [
        (
            "messages",
            r#""messages":[{"id":"A"}],"statuses":[{"id":"B","status":"read","recipient_participant_id":"7"}]"#,
            &["message m:100:A", "status s:B:read:7"],
        ),
        (
            "standby",
            r#""messages":[{"id":"A"}],"statuses":[{"id":"B","status":"read"}],"message_echoes":[{"id":"C"}]"#,
            &["message sm:100:A", "status ss:B:read:", "standby se:100:C"],
        ),
        (
            "smb_message_echoes",
            r#""message_echoes":[{"id":"A"},{"id":"B"}]"#,
            &["smb_message_echoes e:100:A", "smb_message_echoes e:100:B"],
        ),
        (
            "calls",
            r#""calls":[{"id":"A","event":"connect"},{"id":"A"}],"statuses":[{"id":"A","status":"RINGING","recipient_id":"7"}]"#,
            &["calls c:100:A:connect", "calls", "calls cs:100:A:RINGING:7"],
        ),
        ("user_preferences", r#""user_preferences":[{"wa_id":"1"},{"wa_id":"2"}]"#, &["user_preferences"; 2]),
        ("smb_app_state_sync", r#""state_sync":[{"x":1},{"x":2}]"#, &["smb_app_state_sync"; 2]),
        ("user_id_update", r#""user_id_update":[{"x":1},{"x":2}]"#, &["user_id_update"; 2]),
        (
            "history",
            r#""messages":[{"id":"A"}],"message_echoes":[{"id":"A"}]"#,
            &["history hm:100:A", "history he:100:A"],
        ),
        (
            "history",
            r#""history":[{"metadata":{"phase":0},"threads":[{"id":"1","messages":[{"id":"A"},7]},{"messages":[{"id":"B"}]},8]},9]"#,
            &["history ht:100:A", "unparsed", "history ht:100:B", "unparsed", "history", "unparsed"],
        ),
        ("history", r#""history":[{"errors":[{"code":2593109}]}]"#, &["history"]),
        ("message_echoes", r#""message_echoes":[{"id":"A"},{"id":"B"}]"#, &["message_echoes"]),
        (
            "messages",
            r#""messages":{"id":"A"},"statuses":[{"id":"B","status":"read"}]"#,
            &["status s:B:read:", "messages"],
        ),
    ];
    for (field, members, expected) in rows {
        assert_eq!(keys(field, members), expected, "{field} {members}");
    }
}

#[test]
fn history_message_has_its_thread_and_the_rest_is_kept() {
    let events = split(&delivery_of(
        "history",
        &value(
            r#""history":[{"metadata":{"phase":0},"threads":[{"id":"1","context":{"user_id":"US.1"},"extra":5,"messages":[{"id":"A"},{"id":"B"}]},{"id":"2","messages":[]}]}]"#,
        ),
    ));
    let payload = |n: usize| String::from_utf8(events[n].payload.clone()).unwrap();
    let around = |history: &str| {
        format!(
            r#"{{"id":"900","changes":[{{"field":"history","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550001","phone_number_id":"100"}},"contacts":[],"history":[{history}]}}}}]}}"#
        )
    };
    let thread = |id| {
        around(&format!(r#"{{"threads":[{{"id":"1","context":{{"user_id":"US.1"}},"messages":[{{"id":"{id}"}}]}}]}}"#))
    };
    assert_eq!((payload(0), payload(1)), (thread("A"), thread("B")));
    assert_eq!(payload(2), around(r#"{"metadata":{"phase":0},"threads":[{"extra":5},{"id":"2","messages":[]}]}"#));
    assert_eq!(events.len(), 3);
}

#[test]
fn each_item_has_its_own_contact() {
    let people = r#""contacts":[{"wa_id":"1","user_id":"US.1"},{"wa_id":"2","user_id":"US.2"}]"#;
    let rows = [
        ("smb_message_echoes", r#""message_echoes":[{"id":"A","from":"1","to":"2"}]"#),
        ("smb_message_echoes", r#""message_echoes":[{"id":"A","to_user_id":"US.2","to":"1"}]"#),
        ("calls", r#""calls":[{"id":"A","from":"9","to":"2"}]"#),
        ("calls", r#""calls":[{"id":"A","from_user_id":"US.2","to":"9"}]"#),
        ("calls", r#""statuses":[{"id":"A","recipient_user_id":"US.2"}]"#),
        ("user_preferences", r#""user_preferences":[{"wa_id":"2"}]"#),
        ("user_preferences", r#""user_preferences":[{"wa_id":"+2"}]"#),
        ("user_preferences", r#""user_preferences":[{"user_id":"US.2","wa_id":"1"}]"#),
        ("history", r#""history":[{"threads":[{"messages":[{"id":"A","from":"2"}]}]}]"#),
        ("history", r#""messages":[{"id":"A","from_user_id":"US.2"}]"#),
    ];
    for (field, items) in rows {
        let events = split(&delivery_of(field, &value(&format!("{people},{items}"))));
        let payload = String::from_utf8_lossy(&events[0].payload).into_owned();
        assert!(payload.contains(r#""contacts":[{"wa_id":"2","user_id":"US.2"}]"#), "{payload}");
    }
}

#[test]
fn single_contact_is_used_if_no_item_names_a_person() {
    let contacts = |items: &str| {
        let members = format!(r#""contacts":[{{"wa_id":"1"}}],"messages":[{{"id":"A"}}{items}]"#);
        let events = split(&delivery(&value(&members)));
        String::from_utf8_lossy(&events[0].payload).contains(r#""contacts":[{"wa_id":"1"}]"#)
    };
    assert!(contacts("") && contacts(r#",{"id":"B"}"#));
    assert!(!contacts(r#",{"id":"B","from":"1"}"#));
}

#[test]
fn partner_event_is_routed_by_the_named_account() {
    let body = r#"{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"901","owner_business_id":"1"}}"#;
    let event = split(&delivery_of("account_update", body)).remove(0);
    assert_eq!(event.waba_id.as_deref(), Some("901"));
    assert_eq!(crate::decode(&event.kind, &event.payload).unwrap().waba_id, "901");
}

#[test]
fn copies_of_shared_parts_are_limited() {
    let (large, many) = ("x".repeat(10_000), "{},".repeat(10_000));
    let shapes = [
        delivery(&value(&format!(r#""errors":["{large}"],"messages":[{many}{{}}]"#))),
        delivery(&value(&format!(r#""contacts":[{{"wa_id":"1","x":"{large}"}}],"messages":[{many}{{}}]"#))),
        delivery_of(
            "history",
            &value(&format!(r#""history":[{{"threads":[{{"id":"{large}","messages":[{many}{{}}]}}]}}]"#)),
        ),
        delivery_of(
            "history",
            &value(&format!(r#""errors":["{large}"],"history":[{{"threads":[{many}{{}}],"x":1}},{many}{{}}]"#)),
        ),
        format!(r#"{{"entry":[{{"id":"900","x":"{large}","changes":[{}{{}}]}}]}}"#, r#"{"value":{}},"#.repeat(10_000)),
    ];
    for body in shapes {
        // Each is the same as its neighbours but for its id: nothing is dropped for being seen before.
        let mut parts = body.split("{}");
        let mut body = parts.next().unwrap().to_owned();
        for (n, part) in parts.enumerate() {
            body.extend([&format!(r#"{{"x":{n}}}"#), part]);
        }
        let events = split(&body);
        let bytes: usize = events.iter().map(|event| event.payload.len()).sum();
        assert!(events.len() >= 10_000 && bytes < MAX_COPIED + body.len() + 60 * events.len(), "{bytes}");
    }
}

#[test]
fn item_above_the_limit_is_kept_whole_and_not_parsed() {
    let item = |id: &str, bytes: usize| {
        format!(r#"{{"id":"wamid.{id}","from":"1","type":"text","text":{{"body":"{}"}}}}"#, "x".repeat(bytes))
    };
    let (small, large) = (item("A", MAX_ITEM - 1_000), item("B", MAX_ITEM));
    let events = split(&delivery(&value(&format!(r#""messages":[{small},{large}]"#))));
    let found: Vec<(&str, &str)> = events.iter().map(|it| (it.kind.as_str(), it.dedupe_key.as_str())).collect();
    assert_eq!(found, [("message", "m:100:wamid.A"), ("unparsed", "m:100:wamid.B")]);
    assert!(String::from_utf8_lossy(&events[1].payload).contains(&large));
    assert_eq!(events[1].phone_number_id.as_deref(), Some("100"), "it belongs to the number's tenant");
    let other = delivery_of("new_field", &format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_ITEM)));
    assert_eq!(split(&other)[0].kind.as_str(), "unparsed");
}
