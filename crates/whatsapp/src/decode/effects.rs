//! What a message of a special type does to another one. Who may do it is for whoever knows that other one.

use super::message::MessageContext;
use super::{Item, ids, readable};
use crate::json::Object;
use crate::update::{Edit, Reaction, Revocation, Update};

/// Longer than any emoji with all its joiners.
const MAX_EMOJI_CHARS: usize = 64;

/// Nothing for a message of any other type, and for one that names no message.
pub(super) fn decode(
    kind: &str,
    item: &Item<'_>,
    wamid: &str,
    body: &Object<'_>,
    context: &MessageContext,
) -> Option<Update> {
    let target = |key: &str| ids::any(body, key);
    let (wamid, direction, customer) = (wamid.to_owned(), context.direction, context.customer.clone());
    let timestamp = ids::timestamp(&item.members);
    Some(match kind {
        "reaction" => Update::Reaction(Reaction {
            wamid,
            target: target("message_id")?,
            direction,
            customer,
            // An absent one takes the reaction back, and so does an empty one.
            emoji: body.text("emoji").map(|emoji| emoji.chars().take(MAX_EMOJI_CHARS).collect()),
            timestamp,
        }),
        "edit" => Update::Edit(Edit {
            wamid,
            target: target("original_message_id")?,
            direction,
            customer,
            text: readable::text("edit", &item.members, body),
            payload: item.json.to_owned(),
            timestamp,
        }),
        "revoke" => {
            let target = target("original_message_id")?;
            Update::Revocation(Revocation { wamid, target, direction, customer, timestamp })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::update::{Direction, Origin, Party};

    fn decode(message: &str) -> Update {
        let raw = serde_json::from_str(message).unwrap();
        let context = MessageContext {
            direction: Direction::Outbound,
            origin: Origin::NativeApp,
            customer: Party::default(),
            delivery: None,
        };
        message::decode(&Item::of(raw).unwrap(), context).unwrap()
    }

    #[test]
    fn a_reaction_is_given_or_taken_back() {
        let emoji = |body: &str| {
            let json = format!(r#"{{"id":"wamid.R","type":"reaction","reaction":{{"message_id":"wamid.A"{body}}}}}"#);
            let Update::Reaction(reaction) = decode(&json) else { panic!("no reaction") };
            assert_eq!((reaction.target.as_str(), reaction.direction), ("wamid.A", Direction::Outbound));
            reaction.emoji
        };
        assert_eq!(emoji(r#","emoji":"\ud83d\udc4d""#).as_deref(), Some("👍"));
        assert_eq!(emoji(""), None);
        assert_eq!(emoji(r#","emoji":"""#), None);
        assert_eq!(emoji(r#","emoji":null"#), None);
    }

    #[test]
    fn an_edit_has_the_new_text() {
        let text = |inner: &str| {
            let json = format!(r#"{{"id":"wamid.E","type":"edit","edit":{{"original_message_id":"wamid.A"{inner}}}}}"#);
            let Update::Edit(edit) = decode(&json) else { panic!("no edit") };
            assert_eq!((edit.target.as_str(), edit.payload), ("wamid.A", json));
            edit.text
        };
        assert_eq!(text(r#","message":{"type":"text","text":{"body":"New"}}"#), "New");
        assert_eq!(text(r#","message":{"type":"image","image":{"id":"1","caption":"New"}}"#), "New");
        assert_eq!(text(r#","message":{"type":"image","image":{"id":"1"}}"#), "Picture");
        assert_eq!(text(""), "Message edited");
    }

    #[test]
    fn what_names_no_other_message_is_shown_as_it_is() {
        let long = "x".repeat(513);
        for (kind, text) in [("reaction", "Reaction"), ("edit", "Message edited"), ("revoke", "Message deleted")] {
            for body in [
                "7".to_owned(),
                "{}".to_owned(),
                format!(r#"{{"message_id":"{long}","original_message_id":"{long}"}}"#),
            ] {
                let json = format!(r#"{{"id":"wamid.X","type":"{kind}","{kind}":{body}}}"#);
                let Update::Message(message) = decode(&json) else { panic!("no message") };
                assert_eq!((message.kind.as_str(), message.text.as_str(), message.payload), (kind, text, json));
            }
        }
        let revoke = decode(r#"{"id":"wamid.X","type":"revoke","revoke":{"original_message_id":"wamid.A"}}"#);
        assert!(matches!(revoke, Update::Revocation(Revocation { target, .. }) if target == "wamid.A"));
    }
}
