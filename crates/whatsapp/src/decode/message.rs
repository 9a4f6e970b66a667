//! Messages of any sender and origin.

use super::change::Item;
use super::content::{self, MessageContent};
use super::error::DecodeError;
use super::message_context::MessageContext;
use super::{effects, ids, length, readable, system};
use crate::json::Object;
use crate::update::{DecodedMessage, MediaPointer, Update};
use kernel::{Direction, Forwarded};

/// Decodes a message. Everything but its id may be missing.
pub(super) fn decode(item: &Item<'_>, context: MessageContext) -> Result<Update, DecodeError> {
    let wamid = ids::own(&item.members)?;
    let kind = ids::word(&item.members, "type").unwrap_or_else(|| "unknown".to_owned());
    let body = item.members.object(&kind).unwrap_or_default();
    if kind == "system" {
        return Ok(system::decode(item, wamid, &body, context));
    }
    // An effect without a target is shown as a message.
    let effect = effects::decode(&kind, item, &wamid, &body, &context);
    Ok(effect.unwrap_or_else(|| Update::Message(Box::new(message(item, wamid, kind, &body, context)))))
}

fn message(item: &Item<'_>, wamid: String, kind: String, body: &Object<'_>, context: MessageContext) -> DecodedMessage {
    let MessageContext { direction, origin, mut customer, delivery } = context;
    let message = &item.members;
    if direction == Direction::Inbound && kind == "contacts" {
        let shared = shared_phone(message).filter(|phone| !customer.phones.contains(phone));
        customer.phones.extend(shared);
    }
    let reply = message.object("context").unwrap_or_default();
    let MessageContent { text, parts } = content::content(&kind, message, body);
    DecodedMessage {
        wamid,
        direction,
        origin,
        customer,
        group_id: message.text("group_id").map(length::label),
        text,
        parts,
        media: media(&kind, body),
        reply_to: ids::any(&reply, "id"),
        forwarded: forwarded(&reply),
        referral: message.get("referral").map(|json| json.get().to_owned()).filter(|json| json.starts_with('{')),
        payload: item.json.to_owned(),
        delivery,
        timestamp: ids::timestamp(message),
        kind,
    }
}

/// The sender's own number, shared in response to a request. A card of another origin may be of another person. In early 2026
/// Meta sent the origin in the message instead of the card.
fn shared_phone(message: &Object<'_>) -> Option<String> {
    let of_message = message.text("origin");
    let cards = message.objects("contacts");
    let card = cards
        .iter()
        .find(|card| card.text("origin").or_else(|| of_message.clone()).as_deref() == Some("contact_request"))?;
    card.objects("phones").iter().find_map(|phone| ids::phone(phone, &["wa_id", "phone"]))
}

fn forwarded(context: &Object<'_>) -> Option<Forwarded> {
    if context.is_true("frequently_forwarded") {
        Some(Forwarded::Frequently)
    } else {
        context.is_true("forwarded").then_some(Forwarded::Once)
    }
}

fn media(kind: &str, body: &Object<'_>) -> Option<MediaPointer> {
    if !matches!(kind, "image" | "video" | "audio" | "voice" | "document" | "sticker") {
        return None;
    }
    Some(MediaPointer {
        id: ids::any(body, "id")?,
        mime_type: body.text("mime_type").map(length::label),
        sha256: body.text("sha256").map(length::label),
        caption: readable::caption(body),
        filename: readable::filename(body),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::update::Party;
    use kernel::Origin;

    fn decode(message: &str) -> Result<DecodedMessage, DecodeError> {
        let raw = serde_json::from_str(message).unwrap();
        let item = Item::of(raw).unwrap();
        let context = MessageContext {
            direction: Direction::Inbound,
            origin: Origin::Live,
            customer: super::super::party::FROM.of(&item.members),
            delivery: None,
        };
        super::decode(&item, context).map(|update| match update {
            Update::Message(message) => *message,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn text_message_is_decoded() {
        let message = r#"{"from":"15550100","from_user_id":"US.1","id":"wamid.A","timestamp":"1800000000","type":"text","text":{"body":"Hello"},"context":{"id":"wamid.0"},"referral":{"source_id":"7"}}"#;
        let decoded = decode(message).unwrap();
        assert_eq!((decoded.kind.as_str(), decoded.text.as_str()), ("text", "Hello"));
        assert_eq!((decoded.customer.bsuid.as_deref(), decoded.reply_to.as_deref()), (Some("US.1"), Some("wamid.0")));
        assert_eq!(decoded.timestamp, DateTime::from_timestamp(1_800_000_000, 0));
        assert_eq!(decoded.referral.as_deref(), Some(r#"{"source_id":"7"}"#));
        assert_eq!(decoded.payload, message);
    }

    #[test]
    fn everything_but_the_id_may_be_missing() {
        let decoded = decode(r#"{"id":"wamid.A"}"#).unwrap();
        assert_eq!((decoded.kind.as_str(), decoded.text.as_str()), ("unknown", "Unsupported message"));
        assert_eq!((decoded.customer, decoded.timestamp), (Party::default(), None));
        assert_eq!(decode("{}"), Err(DecodeError::NoId));
        assert_eq!(decode(&format!(r#"{{"id":"{}"}}"#, "x".repeat(513))), Err(DecodeError::IdTooLong));
    }

    #[test]
    fn effect_without_target_is_a_plain_message() {
        for (kind, text) in [("reaction", "Reaction"), ("edit", "Message edited"), ("revoke", "Message deleted")] {
            let json = format!(r#"{{"id":"wamid.X","type":"{kind}","{kind}":{{}}}}"#);
            let message = decode(&json).unwrap();
            assert_eq!((message.kind.as_str(), message.text.as_str(), message.payload), (kind, text, json));
        }
    }

    #[test]
    fn media_is_a_pointer() {
        let decoded = decode(
            r#"{"id":"wamid.A","type":"document","document":{"id":17,"filename":"../../etc/pass\u0007wd","mime_type":"application/pdf"}}"#,
        );
        let DecodedMessage { media: Some(media), text, .. } = decoded.unwrap() else { panic!("no media") };
        assert_eq!((media.id.as_str(), media.filename.as_deref()), ("17", Some("passwd")));
        assert_eq!(text, "passwd");
        assert_eq!(decode(r#"{"id":"wamid.A","type":"image","image":{"caption":"x"}}"#).unwrap().media, None);
    }

    #[test]
    fn forwarded_once_and_frequently_differ() {
        let forwarded =
            |context: &str| decode(&format!(r#"{{"id":"wamid.A","context":{context}}}"#)).unwrap().forwarded;
        assert_eq!(forwarded(r#"{"forwarded":true}"#), Some(Forwarded::Once));
        assert_eq!(forwarded(r#"{"frequently_forwarded":true}"#), Some(Forwarded::Frequently));
        assert_eq!(forwarded(r#"{"forwarded":false}"#), None);
        assert_eq!(forwarded("7"), None);
    }

    #[test]
    fn only_a_requested_number_is_the_senders_own() {
        let phones = |more: &str| {
            decode(&format!(r#"{{"id":"w","from":"1","type":"contacts",{more}}}"#)).unwrap().customer.phones.join(" ")
        };
        let card =
            |origin: &str| format!(r#"{{{origin}"phones":[{{"phone":"+2 22","wa_id":"222"}},{{"phone":"9"}}]}}"#);
        let (asked, other) = (r#""origin":"contact_request","#, r#""origin":"other","#);
        assert_eq!(phones(&format!(r#""contacts":[{}]"#, card(asked))), "1 222");
        assert_eq!(phones(&format!(r#"{asked}"contacts":[{}]"#, card(""))), "1 222");
        assert_eq!(phones(&format!(r#"{asked}"contacts":[{}]"#, card(other))), "1");
        assert_eq!(phones(&format!(r#""contacts":[{},{}]"#, card(other), card(""))), "1");
        assert_eq!(phones(&format!(r#"{asked}"contacts":[{{"phones":[{{"phone":"+1"}}]}}]"#)), "1");
        assert_eq!(phones(&format!(r#"{asked}"contacts":[{{"phones":[{{"phone":"+2 22"}}]}}]"#)), "1 222");
    }
}
