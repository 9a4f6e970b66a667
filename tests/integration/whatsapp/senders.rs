//! The sender's identity, from each place where WhatsApp reports it.

use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_bsuid, fresh_phone, joined};
use crate::kit::meta::{Number, fresh_wamid, second};

/// An event, and the identities the contact must have afterwards.
type Row = (&'static str, Value, Vec<String>);

struct Names {
    phone: String,
    bsuid: String,
    parent: String,
}

impl Names {
    fn fresh() -> Self {
        Self { phone: fresh_phone(), bsuid: fresh_bsuid(), parent: format!("US.ENT.{}", &fresh_bsuid()[3..]) }
    }

    /// As the API lists them.
    fn lines(&self, kinds: &[&str]) -> Vec<String> {
        let value = |kind: &str| match kind {
            "phone" => self.phone.clone(),
            "bsuid" => self.bsuid.clone(),
            "parent_bsuid" => self.parent.clone(),
            _ => format!("ada.{}", &self.bsuid[3..]),
        };
        kinds.iter().map(|kind| format!("{kind} {}", value(kind))).collect()
    }

    fn username(&self) -> String {
        format!("ada.{}", &self.bsuid[3..])
    }
}

fn message(more: &Value) -> Value {
    let mut message = json!({
        "id": fresh_wamid(), "timestamp": second(10).to_string(), "type": "text", "text": {"body": "Hi"},
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

fn incoming(number: &Number, from: &Value, contacts: &Value) -> Value {
    number.change("messages", json!({"contacts": contacts, "messages": [message(from)]}))
}

/// Delivers all rows together; then each has one contact with exactly the identities of its row.
async fn check(rows: impl Fn(&Number) -> Vec<Row>) {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let rows = rows(&number);
    app.process(&joined(rows.iter().map(|(_, delivery, _)| delivery))).await;
    let contacts = tenant.contacts().await;
    assert_eq!(contacts.len(), rows.len(), "{contacts:#?}");
    for (name, _, mut expected) in rows {
        expected.sort_unstable();
        let found =
            contacts.iter().find(|contact| contact.identity_lines().0.iter().any(|line| expected.contains(line)));
        let contact = found.unwrap_or_else(|| panic!("{name}: no contact with any of {expected:?}"));
        assert_eq!(contact.identity_lines(), (expected, vec![]), "{name}");
        assert!(!contact.needs_review, "{name}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_of_messages_is_identified() {
    check(|number| {
        let names: [Names; 6] = std::array::from_fn(|_| Names::fresh());
        let n = |index: usize| &names[index];
        vec![
            (
                "without a user name: number and user id",
                incoming(
                    number,
                    &json!({"from": n(0).phone, "from_user_id": n(0).bsuid}),
                    &json!([{"wa_id": n(0).phone, "user_id": n(0).bsuid, "profile": {"name": "Ada"}}]),
                ),
                n(0).lines(&["bsuid", "phone"]),
            ),
            (
                "with a user name, number shared",
                incoming(
                    number,
                    &json!({"from": n(1).phone, "from_user_id": n(1).bsuid}),
                    &json!([{"wa_id": n(1).phone, "user_id": n(1).bsuid,
                                  "profile": {"name": "Ada", "username": format!("@{}", n(1).username())}}]),
                ),
                n(1).lines(&["bsuid", "phone", "username"]),
            ),
            (
                "with a user name, number withheld",
                incoming(
                    number,
                    &json!({"from_user_id": n(2).bsuid}),
                    &json!([{"user_id": n(2).bsuid, "profile": {"name": "Ada", "username": n(2).username()}}]),
                ),
                n(2).lines(&["bsuid", "username"]),
            ),
            (
                "withheld as an empty text",
                incoming(
                    number,
                    &json!({"from": "", "from_user_id": n(3).bsuid}),
                    &json!([{"wa_id": "", "user_id": n(3).bsuid, "profile": {"name": "", "username": ""}}]),
                ),
                n(3).lines(&["bsuid"]),
            ),
            (
                "a parent in the message",
                incoming(number, &json!({"from_user_id": n(4).bsuid, "from_parent_user_id": n(4).parent}), &json!([])),
                n(4).lines(&["bsuid", "parent_bsuid"]),
            ),
            (
                "a parent in the entry of contacts",
                incoming(
                    number,
                    &json!({"from": n(5).phone}),
                    &json!([{"wa_id": n(5).phone, "user_id": n(5).bsuid, "parent_user_id": n(5).parent}]),
                ),
                n(5).lines(&["bsuid", "parent_bsuid", "phone"]),
            ),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_in_old_and_unusual_shapes_is_identified() {
    check(|number| {
        let names: [Names; 7] = std::array::from_fn(|_| Names::fresh());
        let n = |index: usize| &names[index];
        vec![
            (
                "before there were user ids",
                incoming(number, &json!({"from": n(0).phone}), &json!([{"wa_id": n(0).phone}])),
                n(0).lines(&["phone"]),
            ),
            (
                "no entry of contacts",
                incoming(number, &json!({"from": n(1).phone, "from_user_id": n(1).bsuid}), &Value::Null),
                n(1).lines(&["bsuid", "phone"]),
            ),
            (
                "no sender in the message, one contacts entry",
                incoming(number, &json!({}), &json!([{"wa_id": n(2).phone, "user_id": n(2).bsuid}])),
                n(2).lines(&["bsuid", "phone"]),
            ),
            (
                "a number with + in one place",
                incoming(
                    number,
                    &json!({"from": format!("+{}", n(3).phone)}),
                    &json!([{"wa_id": n(3).phone, "user_id": n(3).bsuid}, {"wa_id": "1", "user_id": "US.0"}]),
                ),
                n(3).lines(&["bsuid", "phone"]),
            ),
            (
                "a number that is one",
                incoming(
                    number,
                    &json!({"from": n(4).phone.parse::<u64>().unwrap(), "from_user_id": n(4).bsuid}),
                    &json!([{"wa_id": n(4).phone, "user_id": n(4).bsuid}]),
                ),
                n(4).lines(&["bsuid", "phone"]),
            ),
            (
                "the entries of others",
                incoming(
                    number,
                    &json!({"from_user_id": n(5).bsuid}),
                    &json!([{"wa_id": "2", "user_id": "US.9"}, {"wa_id": n(5).phone, "user_id": n(5).bsuid}]),
                ),
                n(5).lines(&["bsuid", "phone"]),
            ),
            (
                "a participant of a group",
                incoming(
                    number,
                    &json!({"from": n(6).phone, "from_user_id": n(6).bsuid, "group_id": "1203"}),
                    &json!([{"wa_id": n(6).phone, "user_id": n(6).bsuid}]),
                ),
                n(6).lines(&["bsuid", "phone"]),
            ),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_in_other_fields_is_identified() {
    check(|number| {
        let names: [Names; 11] = std::array::from_fn(|_| Names::fresh());
        let n = |index: usize| &names[index];
        let call = |more: Value| {
            let mut call = json!({"id": format!("wacid.{}", fresh_wamid()), "event": "connect",
                                  "timestamp": second(10).to_string()});
            call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            number.change("calls", json!({"calls": [call]}))
        };
        let sync = |contact: Value| {
            number.change("smb_app_state_sync", json!({"state_sync": [{"type": "contact", "action": "add",
                "contact": contact, "metadata": {"timestamp": second(10).to_string()}}]}))
        };
        let thread = |thread: Value, from: Value| {
            let mut thread = thread;
            thread["messages"] = json!([message(&from)]);
            number.change("history", json!({"history": [{"threads": [thread]}]}))
        };
        let preference = |who: Value| {
            let mut update = json!({"category": "marketing_messages", "value": "stop", "timestamp": second(10)});
            update.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
            number.change("user_preferences", json!({"user_preferences": [update]}))
        };
        vec![
            (
                "calls: who calls",
                call(json!({"direction": "USER_INITIATED", "from": n(0).phone, "from_user_id": n(0).bsuid,
                            "from_parent_user_id": n(0).parent, "to": "15550000000"})),
                n(0).lines(&["bsuid", "parent_bsuid", "phone"]),
            ),
            (
                "calls: who is called",
                call(json!({"direction": "BUSINESS_INITIATED", "from": "15550000000", "to_user_id": n(1).bsuid,
                            "to_parent_user_id": n(1).parent})),
                n(1).lines(&["bsuid", "parent_bsuid"]),
            ),
            (
                "user_preferences",
                preference(json!({"wa_id": n(2).phone, "user_id": n(2).bsuid, "parent_user_id": n(2).parent})),
                n(2).lines(&["bsuid", "parent_bsuid", "phone"]),
            ),
            ("user_preferences without a number", preference(json!({"user_id": n(3).bsuid})), n(3).lines(&["bsuid"])),
            (
                "history: the id of the thread",
                thread(json!({"id": n(4).phone}), json!({"from": n(4).phone, "from_user_id": n(4).bsuid})),
                n(4).lines(&["bsuid", "phone"]),
            ),
            (
                "history: no id and a context",
                thread(json!({"context": {"user_id": n(5).bsuid, "parent_user_id": n(5).parent,
                              "username": n(5).username()}}), json!({"from": "15550000000"})),
                n(5).lines(&["bsuid", "parent_bsuid", "username"]),
            ),
            (
                "echoes: to a user id",
                number.change("smb_message_echoes", json!({"message_echoes":
                    [message(&json!({"from": "15550000000", "to_user_id": n(6).bsuid}))]})),
                n(6).lines(&["bsuid"]),
            ),
            (
                "echoes: with contacts",
                number.change("smb_message_echoes", json!({
                    "contacts": [{"wa_id": n(7).phone, "user_id": n(7).bsuid, "profile": {"username": n(7).username()}}],
                    "message_echoes": [message(&json!({"from": "15550000000", "to": n(7).phone}))],
                })),
                n(7).lines(&["bsuid", "phone", "username"]),
            ),
            (
                "address book: number, user id and user name",
                sync(json!({"full_name": "Ada", "phone_number": format!("+{}", n(8).phone), "user_id": n(8).bsuid,
                            "username": format!("@{}", n(8).username())})),
                n(8).lines(&["bsuid", "phone", "username"]),
            ),
            (
                "address book: a user id",
                sync(json!({"first_name": "Ada", "user_id": n(9).bsuid})),
                n(9).lines(&["bsuid"]),
            ),
            (
                "standby",
                number.change("standby", json!({
                    "contacts": [{"user_id": n(10).bsuid, "profile": {"name": "Ada"}}],
                    "messages": [message(&json!({"from_user_id": n(10).bsuid}))],
                })),
                n(10).lines(&["bsuid"]),
            ),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_id_of_unknown_format_is_accepted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    // User ids are opaque, up to 140 bytes, and case-sensitive.
    let long = format!("US.{}", "x".repeat(128));
    let opaque = ["us.abc", "US.ABC", "13491208655302741918", "US-1 2", &long];
    for bsuid in opaque {
        let ada = Customer::with_bsuid(bsuid);
        app.process(&number.received(&ada, &[ada.text(10, bsuid)])).await;
    }
    for bsuid in opaque {
        let contact = tenant.contact_by_identity("bsuid", bsuid).await;
        assert_eq!(contact.identity_lines(), (vec![format!("bsuid {bsuid}")], vec![]));
    }
    app.finish().await;
}
