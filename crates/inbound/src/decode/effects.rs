//! What a message of a special type does to another one. Who may do it is for whoever knows that other one.

use super::message::Scene;
use super::{Item, Undecodable, ids, readable};
use crate::json::Object;
use crate::update::{Edit, Reaction, Revocation, Update};

/// Longer than any emoji with all its joiners.
const MAX_EMOJI_CHARS: usize = 64;

/// An absent emoji takes the reaction back, and so does an empty one.
pub(super) fn reaction(item: &Item<'_>, wamid: String, body: &Object<'_>, scene: Scene) -> Result<Update, Undecodable> {
    Ok(Update::Reaction(Reaction {
        wamid,
        target: ids::target(body, "message_id")?,
        direction: scene.direction,
        customer: scene.customer,
        emoji: body.text("emoji").map(|emoji| emoji.chars().take(MAX_EMOJI_CHARS).collect()),
        timestamp: ids::timestamp(&item.members),
    }))
}

pub(super) fn edit(item: &Item<'_>, wamid: String, body: &Object<'_>, scene: Scene) -> Result<Update, Undecodable> {
    Ok(Update::Edit(Edit {
        wamid,
        target: ids::target(body, "original_message_id")?,
        direction: scene.direction,
        customer: scene.customer,
        text: readable::text("edit", &item.members, body),
        payload: item.json.to_owned(),
        timestamp: ids::timestamp(&item.members),
    }))
}

pub(super) fn revocation(
    item: &Item<'_>,
    wamid: String,
    body: &Object<'_>,
    scene: Scene,
) -> Result<Update, Undecodable> {
    Ok(Update::Revocation(Revocation {
        wamid,
        target: ids::target(body, "original_message_id")?,
        direction: scene.direction,
        customer: scene.customer,
        timestamp: ids::timestamp(&item.members),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::update::{Direction, Origin, Party};

    fn decode(message: &str) -> Result<Update, Undecodable> {
        let raw = serde_json::from_str(message).unwrap();
        let scene = Scene {
            direction: Direction::Outbound,
            origin: Origin::NativeApp,
            customer: Party::default(),
            delivery: None,
        };
        message::decode(&Item::of(raw).unwrap(), scene)
    }

    #[test]
    fn a_reaction_is_given_or_taken_back() {
        let emoji = |body: &str| {
            let json = format!(r#"{{"id":"wamid.R","type":"reaction","reaction":{{"message_id":"wamid.A"{body}}}}}"#);
            let Update::Reaction(reaction) = decode(&json).unwrap() else { panic!("no reaction") };
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
            let Update::Edit(edit) = decode(&json).unwrap() else { panic!("no edit") };
            assert_eq!((edit.target.as_str(), edit.payload), ("wamid.A", json));
            edit.text
        };
        assert_eq!(text(r#","message":{"type":"text","text":{"body":"New"}}"#), "New");
        assert_eq!(text(r#","message":{"type":"image","image":{"id":"1","caption":"New"}}"#), "New");
        assert_eq!(text(r#","message":{"type":"image","image":{"id":"1"}}"#), "Picture");
        assert_eq!(text(""), "Message edited");
    }

    #[test]
    fn what_names_no_other_message_is_refused() {
        let long = "x".repeat(513);
        for kind in ["reaction", "edit", "revoke"] {
            for body in [
                "7".to_owned(),
                "{}".to_owned(),
                format!(r#"{{"message_id":"{long}","original_message_id":"{long}"}}"#),
            ] {
                let json = format!(r#"{{"id":"wamid.X","type":"{kind}","{kind}":{body}}}"#);
                assert_eq!(decode(&json), Err(Undecodable::NoTarget), "{json}");
            }
        }
        let revoke = decode(r#"{"id":"wamid.X","type":"revoke","revoke":{"original_message_id":"wamid.A"}}"#);
        assert!(matches!(revoke, Ok(Update::Revocation(Revocation { target, .. })) if target == "wamid.A"));
    }
}
