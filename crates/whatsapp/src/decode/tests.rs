//! From a delivery to its updates, for each field.

use kernel::SystemClock;

use super::*;
use crate::update::{DecodedMessage, Party};

fn party(party: &Party) -> String {
    let ids = [&party.bsuid, &party.username].into_iter().flatten().chain(&party.phones);
    format!("[{}]", ids.cloned().collect::<Vec<_>>().join(" "))
}

/// An update as one line.
fn shown(update: Update) -> String {
    match update {
        Update::Message(it) => {
            let DecodedMessage { direction, origin, kind, text, .. } = *it;
            format!("{direction:?} {origin:?} {kind} {} {text}", party(&it.customer))
        }
        Update::Reaction(it) => {
            format!("{:?} reaction {} {} {:?}", it.direction, it.target, party(&it.customer), it.emoji)
        }
        Update::Edit(it) => format!("{:?} edit {} {} {:?}", it.direction, it.target, party(&it.customer), it.text),
        Update::Revocation(it) => format!("{:?} revocation {} {}", it.direction, it.target, party(&it.customer)),
        Update::Status(it) => format!("status {} {} {}", it.target, party(&it.customer), it.status),
        Update::IdentityChange(it) => format!("identity {} {}", party(&it.before), party(&it.after)),
        Update::SystemMessage(it) => format!("notice {} {}", party(&it.customer), it.text),
        Update::Consent(it) => format!("consent {} {}", party(&it.customer), it.granted),
        Update::AddressBook(it) => format!("book {} {:?} {}", party(&it.customer), it.name, it.removed),
        Update::Template(it) => format!("template {} {:?}", it.template_id, it.change),
        Update::Call(it) => format!("{:?} call {} {} {}", it.direction, it.event, party(&it.customer), it.text),
        Update::Health(it) => format!("health {} {:?}", it.topic.key(), it.connection),
    }
}

fn decoded(field: &str, members: &str) -> Vec<String> {
    let body = format!(
        r#"{{"entry":[{{"id":"900","changes":[{{"field":"{field}","value":{{"metadata":{{"display_phone_number":"+ 9","phone_number_id":"100"}},{members}}}}}]}}]}}"#
    );
    let shown_or_error = |event: &crate::NewEvent| match decode(&event.kind, &event.payload) {
        Ok(Decoded { waba_id, update }) => {
            assert_eq!(waba_id, "900");
            update.map_or_else(|| "none".to_owned(), shown)
        }
        Err(error) => error.to_string(),
    };
    crate::split(body.as_bytes(), &SystemClock::new()).iter().map(shown_or_error).collect()
}

const ADA: &str = r#""contacts":[{"wa_id":"1","user_id":"US.1","profile":{"name":"Ada","username":"@ada"}}]"#;

#[test]
fn each_field_is_decoded() {
    let rows: [(&str, &str, &[&str]); 25] = [
        (
            "messages",
            r#""messages":[{"id":"A","from":"1","type":"text","text":{"body":"Hi"}},{"id":"B","from_user_id":"US.1","type":"reaction","reaction":{"message_id":"A","emoji":"x"}}]"#,
            &["Inbound Live text [US.1 ada 1] Hi", r#"Inbound reaction A [US.1 ada 1] Some("x")"#],
        ),
        (
            "messages",
            r#""messages":[{"id":"A","from":"1","type":"edit","edit":{"original_message_id":"B","message":{"type":"text","text":{"body":"Ho"}}}},{"id":"C","from":"1","type":"revoke","revoke":{"original_message_id":"B"}}]"#,
            &[r#"Inbound edit B [US.1 ada 1] Some("Ho")"#, "Inbound revocation B [US.1 ada 1]"],
        ),
        (
            "messages",
            r#""messages":[{"id":"A","from":"1","type":"system","system":{"type":"user_changed_number","wa_id":"2","user_id":"US.2","previous_user_id":"US.1"}},{"id":"B","from":"1","type":"system","system":{"type":"customer_identity_changed"}}]"#,
            &["identity [US.1 1] [US.2 2]", "notice [US.1 ada 1] The customer's security code changed"],
        ),
        (
            "messages",
            r#""statuses":[{"id":"A","status":"read","recipient_user_id":"US.1"},{"id":"B","status":"warning"}],"user_actions":[{"x":1}]"#,
            &["status A [US.1 ada 1] read", "status B [] warning", "none"],
        ),
        ("messages", r#""errors":[{"code":131000}]"#, &["none"]),
        ("messages", r#""messages":[{"type":"text"},7]"#, &["the item has no id", "the format is unknown"]),
        (
            "standby",
            r#""messages":[{"id":"A","from":"1"}],"statuses":[{"id":"B","status":"sent","recipient_id":"1"}],"message_echoes":[{"id":"C","from":"9","to":"1","type":"image"}]"#,
            &[
                "Inbound Standby unknown [US.1 ada 1] Unsupported message",
                "status B [US.1 ada 1] sent",
                "Outbound Standby image [US.1 ada 1] Picture",
            ],
        ),
        (
            "smb_message_echoes",
            r#""message_echoes":[{"id":"A","from":"9","to":"1","type":"text","text":{"body":"Hi"}},{"id":"B","from":"9","to_user_id":"US.1","type":"revoke","revoke":{"original_message_id":"A"}}]"#,
            &["Outbound NativeApp text [US.1 ada 1] Hi", "Outbound revocation A [US.1 ada 1]"],
        ),
        ("message_echoes", r#""message_echoes":[{"id":"A"}]"#, &["none"]),
        (
            "history",
            r#""history":[{"metadata":{"phase":0},"threads":[{"id":"1","messages":[{"id":"A","from":"9","to":"1","type":"text","text":{"body":"Hi"}},{"id":"B","from":"1","type":"media_placeholder"}]}]}]"#,
            &["Outbound History text [US.1 ada 1] Hi", "Inbound History media_placeholder [US.1 ada 1] Media", "none"],
        ),
        (
            "history",
            r#""history":[{"threads":[{"context":{"user_id":"US.3","username":"bob"},"messages":[{"id":"A","from":"9","type":"reaction","reaction":{"message_id":"B"}}]}]}]"#,
            &["Outbound reaction B [US.3 bob] None"],
        ),
        (
            "history",
            r#""messages":[{"id":"A","from":"1","type":"image"}],"message_echoes":[{"id":"B","to":"1","type":"video"}]"#,
            &["Inbound History image [US.1 ada 1] Picture", "Outbound History video [US.1 ada 1] Video"],
        ),
        ("history", r#""history":[{"errors":[{"code":2593109}]}]"#, &["health history None"]),
        (
            "calls",
            r#""calls":[{"id":"A","event":"terminate","direction":"USER_INITIATED","from":"1","to":"9","duration":35}],"statuses":[{"id":"B","status":"ACCEPTED","recipient_id":"1"}]"#,
            &[
                "Inbound call terminate [US.1 ada 1] Incoming call ended after 0:35",
                "Outbound call accepted [US.1 ada 1] Call accepted",
            ],
        ),
        (
            "user_preferences",
            r#""user_preferences":[{"wa_id":"1","category":"marketing_messages","value":"stop","timestamp":1800000000},{"user_id":"US.2","category":"news","value":"stop"}]"#,
            &["consent [US.1 ada 1] false", "none"],
        ),
        (
            "user_id_update",
            r#""user_id_update":[{"wa_id":"1","user_id":{"previous":"US.1","current":"US.2"}}]"#,
            &["identity [US.1] [US.2]"],
        ),
        (
            "smb_app_state_sync",
            r#""state_sync":[{"type":"contact","contact":{"full_name":"Bob","phone_number":"2"},"action":"add"},{"type":"contact","contact":{},"action":"remove"}]"#,
            &[r#"book [2] Some("Bob") false"#, "none"],
        ),
        ("account_update", r#""event":"ACCOUNT_OFFBOARDED""#, &["health account Some(Lost)"]),
        ("phone_number_quality_update", r#""event":"FLAGGED""#, &["health quality None"]),
        ("message_template_status_update", r#""event":"APPROVED""#, &["none"]),
        ("group_lifecycle_update", r#""groups":[]"#, &["none"]),
        ("messaging_handovers", r#""type":"control_passed""#, &["none"]),
        (
            "messaging_handovers",
            r#""type":"control_taken","sender":{"phone_number":"1"}"#,
            &["notice [1] The conversation was taken over"],
        ),
        ("message", r#""messages":[{"id":"A"}]"#, &["none"]),
        ("Something New", r#""messages":[{"id":"A"}]"#, &["none"]),
    ];
    for (field, members, expected) in rows {
        assert_eq!(decoded(field, &format!("{ADA},{members}")), expected, "{field} {members}");
    }
}

#[test]
fn payload_of_another_kind_is_refused() {
    let payload = |field: &str, value: &str| format!(r#"{{"changes":[{{"field":"{field}","value":{value}}}]}}"#);
    let decode = |kind, payload: &str| decode(&kind, payload.as_bytes()).map(|decoded| decoded.update);
    assert_eq!(decode(EventKind::unparsed(), &payload("security", "{}")), Err(DecodeError::Unparsed));
    assert_eq!(decode(EventKind::message(), &payload("messages", "{}")), Err(DecodeError::NoItem));
    assert_eq!(decode(EventKind::status(), &payload("calls", "{}")), Err(DecodeError::NoItem));
    assert_eq!(decode(EventKind::field("calls"), &payload("calls", "{}")), Ok(None));
    for payload in ["", "7", "{}", r#"{"changes":[]}"#, r#"{"changes":[{"value":7}]}"#] {
        assert_eq!(decode(EventKind::field("security"), payload), Err(DecodeError::NoChange), "{payload}");
    }
}
