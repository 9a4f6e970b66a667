//! Hand-overs of a thread between the business, Meta's own agent and other tools. They are recorded in the customer's history.
//! Whether a conversation is read-only depends on the field that its messages arrive in.

use super::change::Change;
use super::ids;
use crate::json::Object;
use crate::update::{Party, SystemMessage, Update};

pub(super) fn decode(change: &Change<'_>) -> Option<Update> {
    let value = &change.value;
    let kind = ids::word(value, "type")?;
    let sender = value.object("sender")?;
    let customer = Party {
        bsuid: ids::bsuid(&sender, &["user_id"]),
        phones: ids::phone(&sender, &["phone_number", "wa_id"]).into_iter().collect(),
        ..Party::default()
    };
    let text = text(&kind, &value.object(&kind).unwrap_or_default());
    customer
        .is_identifiable()
        .then(|| Update::SystemMessage(SystemMessage { wamid: None, customer, text, timestamp: ids::timestamp(value) }))
}

fn text(kind: &str, owners: &Object<'_>) -> String {
    let what = match kind {
        "control_passed" => "The conversation was passed on",
        "control_taken" => "The conversation was taken over",
        _ => "The conversation has another owner",
    };
    let role = |key| ids::lowered(owners, key).map(|role| role.replace('_', " "));
    match (role("previous_owner_role"), role("new_owner_role")) {
        (Some(from), Some(to)) => format!("{what} (from {from} to {to})"),
        (None, Some(to)) => format!("{what} (to {to})"),
        _ => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(value: &str) -> Option<(String, String)> {
        let json = format!(r#"{{"changes":[{{"field":"messaging_handovers","value":{value}}}]}}"#);
        let update = super::decode(&Change::of(&Object::parse(&json).unwrap()).unwrap())?;
        let Update::SystemMessage(notice) = update else { panic!("{update:?}") };
        Some((notice.customer.phones.join(" "), notice.text))
    }

    #[test]
    fn handovers_become_readable_texts() {
        let sender = r#""sender":{"phone_number":"+1 666"}"#;
        let rows = [
            (
                r#""type":"control_passed","control_passed":{"previous_owner_role":"PRIMARY","new_owner_role":"META_AGENT"}"#,
                "The conversation was passed on (from primary to meta agent)",
            ),
            (
                r#""type":"control_taken","control_taken":{"new_owner_role":"primary"}"#,
                "The conversation was taken over (to primary)",
            ),
            (r#""type":"control_taken""#, "The conversation was taken over"),
            (r#""type":"something_new""#, "The conversation has another owner"),
        ];
        for (members, text) in rows {
            assert_eq!(decode(&format!("{{{sender},{members}}}")), Some(("1666".to_owned(), text.to_owned())));
        }
        assert_eq!(decode(r#"{"type":"control_passed","sender":{}}"#), None);
        assert_eq!(decode(r#"{"type":"control_passed"}"#), None);
        assert_eq!(decode(&format!("{{{sender}}}")), None);
    }
}
