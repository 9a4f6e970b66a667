//! Messages that change another message: reactions, edits, revocations. Whether the sender may do so is checked where the
//! other message is known.

use super::change::Item;
use super::message_context::MessageContext;
use super::{ids, readable};
use crate::json::Object;
use crate::update::{Edit, Reaction, Revocation, Update};

/// Longer than any emoji with its joiners.
const MAX_EMOJI_CHARS: usize = 64;

/// `None` for a message of another type, and for one that does not name its target.
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
            // No emoji, or an empty one, removes the reaction.
            emoji: body.text("emoji").map(|emoji| emoji.chars().take(MAX_EMOJI_CHARS).collect()),
            timestamp,
        }),
        "edit" => Update::Edit(Edit {
            wamid,
            target: target("original_message_id")?,
            direction,
            customer,
            text: readable::edited(body),
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
    use super::*;
    use crate::update::Party;
    use kernel::{Direction, Origin};

    fn decode(message: &str) -> Option<Update> {
        let raw = serde_json::from_str(message).unwrap();
        let item = Item::of(raw).unwrap();
        let context = MessageContext {
            direction: Direction::Outbound,
            origin: Origin::NativeApp,
            customer: Party::default(),
            delivery: None,
        };
        let (kind, id) = (item.members.text("type").unwrap(), item.members.text("id").unwrap());
        let body = item.members.object(&kind).unwrap_or_default();
        super::decode(&kind, &item, &id, &body, &context)
    }

    #[test]
    fn reaction_is_added_or_removed() {
        let emoji = |body: &str| {
            let json = format!(r#"{{"id":"wamid.R","type":"reaction","reaction":{{"message_id":"wamid.A"{body}}}}}"#);
            let Some(Update::Reaction(reaction)) = decode(&json) else { panic!("no reaction") };
            assert_eq!((reaction.target.as_str(), reaction.direction), ("wamid.A", Direction::Outbound));
            reaction.emoji
        };
        assert_eq!(emoji(r#","emoji":"\ud83d\udc4d""#).as_deref(), Some("👍"));
        assert_eq!(emoji(""), None);
        assert_eq!(emoji(r#","emoji":"""#), None);
        assert_eq!(emoji(r#","emoji":null"#), None);
    }

    #[test]
    fn edit_has_the_new_text_if_there_is_one() {
        let text = |inner: &str| {
            let json = format!(r#"{{"id":"wamid.E","type":"edit","edit":{{"original_message_id":"wamid.A"{inner}}}}}"#);
            let Some(Update::Edit(edit)) = decode(&json) else { panic!("no edit") };
            assert_eq!((edit.target.as_str(), edit.payload), ("wamid.A", json));
            edit.text
        };
        for inner in [
            r#","message":{"type":"text","text":{"body":"New"}}"#,
            r#","message":{"type":"image","image":{"id":"1","caption":"New"}}"#,
            r#","message":{"type":"document","document":{"id":"1","filename":"a.pdf","caption":"New"}}"#,
        ] {
            assert_eq!(text(inner).as_deref(), Some("New"), "{inner}");
        }
        for inner in [
            "",
            r#","message":7"#,
            r#","message":{"type":"text"}"#,
            r#","message":{"type":"text","text":{"body":""}}"#,
            r#","message":{"type":"image","image":{"id":"1"}}"#,
            r#","message":{"type":"document","document":{"id":"1","filename":"a.pdf"}}"#,
            r#","message":{"type":"edit","edit":{"message":{"type":"text","text":{"body":"New"}}}}"#,
        ] {
            assert_eq!(text(inner), None, "{inner}");
        }
    }

    #[test]
    fn effect_without_target_is_none() {
        let long = "x".repeat(513);
        for kind in ["reaction", "edit", "revoke"] {
            for body in [
                "7".to_owned(),
                "{}".to_owned(),
                format!(r#"{{"message_id":"{long}","original_message_id":"{long}"}}"#),
            ] {
                assert_eq!(decode(&format!(r#"{{"id":"wamid.X","type":"{kind}","{kind}":{body}}}"#)), None);
            }
        }
        let revoke = decode(r#"{"id":"wamid.X","type":"revoke","revoke":{"original_message_id":"wamid.A"}}"#);
        assert!(matches!(revoke, Some(Update::Revocation(Revocation { target, .. })) if target == "wamid.A"));
    }
}
