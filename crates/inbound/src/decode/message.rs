//! Reading the event of one message.

mod readable;

use chrono::{DateTime, Utc};

use crate::json::Object;

/// A message as WhatsApp describes it, in our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodedMessage {
    pub wamid: String,
    /// The WhatsApp Business Account, which a BSUID is unique in.
    pub waba_id: String,
    pub bsuid: Option<String>,
    pub phone: Option<String>,
    pub profile_name: Option<String>,
    /// Set for a message in a group: that is no conversation with one person.
    pub group_id: Option<String>,
    pub kind: String,
    /// For people; never empty for a known kind.
    pub text: String,
    pub media: Option<MediaPointer>,
    pub reply_to: Option<String>,
    /// JSON, as it came.
    pub referral: Option<String>,
    /// JSON, as it came: the message itself.
    pub payload: String,
    /// Whole seconds; retries keep it.
    pub timestamp: Option<DateTime<Utc>>,
}

/// Where the file of a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPointer {
    pub id: String,
    pub mime_type: Option<String>,
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// The event holds no message; retrying does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error("the payload is no entry with one message")]
    NoMessage,
    #[error("the message has no id")]
    NoId,
    #[error("the id of the message is longer than any of WhatsApp's")]
    LongId,
}

const MAX_KIND_BYTES: usize = 48;
/// Ids of messages have less than 200 bytes; all ids are indexed, and an index takes no more than 2,704.
const MAX_WAMID_BYTES: usize = 512;
/// `US.` and up to 128 characters; `US.ENT.` for a parent's.
const MAX_BSUID_BYTES: usize = 160;
/// E.164 has 15 digits; people write more around them.
const MAX_PHONE_BYTES: usize = 32;
const MAX_WABA_ID_BYTES: usize = 64;
const MAX_NAME_CHARS: usize = 256;

/// Reads the payload of an event of kind `message`. Everything but the id may be missing.
///
/// # Errors
/// [`Undecodable`].
pub fn decode_message(payload: &[u8]) -> Result<DecodedMessage, Undecodable> {
    let text = String::from_utf8_lossy(payload);
    let entry = Object::parse(&text).ok_or(Undecodable::NoMessage)?;
    let value = entry.objects("changes").first().and_then(|change| change.object("value"));
    let value = value.ok_or(Undecodable::NoMessage)?;
    let raw = *value.array("messages").first().ok_or(Undecodable::NoMessage)?;
    let message = Object::parse(raw.get()).ok_or(Undecodable::NoMessage)?;
    let person = value.objects("contacts").into_iter().next().unwrap_or_default();

    let wamid = message.text("id").ok_or(Undecodable::NoId)?;
    if wamid.len() > MAX_WAMID_BYTES {
        return Err(Undecodable::LongId);
    }
    // Of other ids, one that cannot be right is none.
    let id = |object: &Object<'_>, key: &str, max: usize| object.text(key).filter(|id| id.len() <= max);
    let kind = kind(&message);
    let body = message.object(&kind).unwrap_or_default();
    Ok(DecodedMessage {
        wamid,
        waba_id: id(&entry, "id", MAX_WABA_ID_BYTES).unwrap_or_default(),
        bsuid: id(&message, "from_user_id", MAX_BSUID_BYTES).or_else(|| id(&person, "user_id", MAX_BSUID_BYTES)),
        phone: id(&message, "from", MAX_PHONE_BYTES).or_else(|| id(&person, "wa_id", MAX_PHONE_BYTES)),
        profile_name: person
            .object("profile")
            .and_then(|profile| profile.text("name"))
            .map(|name| name.chars().take(MAX_NAME_CHARS).collect()),
        group_id: message.text("group_id"),
        text: readable::text(&kind, &message, &body),
        media: media(&kind, &body),
        reply_to: message.object("context").and_then(|context| context.text("id")),
        referral: message.get("referral").map(|referral| referral.get().to_owned()),
        payload: raw.get().to_owned(),
        timestamp: timestamp(&message),
        kind,
    })
}

/// WhatsApp's `type`, when it is a plain word.
fn kind(message: &Object<'_>) -> String {
    let plain = |kind: &String| {
        kind.len() <= MAX_KIND_BYTES && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    message.text("type").filter(plain).unwrap_or_else(|| "unknown".to_owned())
}

fn media(kind: &str, body: &Object<'_>) -> Option<MediaPointer> {
    if !matches!(kind, "image" | "video" | "audio" | "voice" | "document" | "sticker") {
        return None;
    }
    Some(MediaPointer {
        id: body.text("id")?,
        mime_type: body.text("mime_type"),
        sha256: body.text("sha256"),
        caption: body.text("caption"),
        filename: body.text("filename").map(|name| plain_filename(&name)),
    })
}

/// The last part of a path, without what could harm whoever saves it.
fn plain_filename(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(255).collect()
}

/// Seconds since the epoch, as a text or a number.
fn timestamp(message: &Object<'_>) -> Option<DateTime<Utc>> {
    let seconds: i64 = message.text("timestamp")?.parse().ok()?;
    // Nothing from before WhatsApp, nothing that Postgres cannot hold.
    (1_200_000_000..100_000_000_000).contains(&seconds).then(|| DateTime::from_timestamp(seconds, 0))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(message: &str, contacts: &str) -> Result<DecodedMessage, Undecodable> {
        decode_message(
            format!(
                r#"{{"id":"900","changes":[{{"field":"messages","value":{{"contacts":[{contacts}],"messages":[{message}]}}}}]}}"#
            )
            .as_bytes(),
        )
    }

    #[test]
    fn reads_a_text() {
        let message = r#"{"from":"15550100","from_user_id":"US.1","id":"wamid.A","timestamp":"1800000000","type":"text","text":{"body":"Hello"},"context":{"id":"wamid.0"}}"#;
        let decoded = decode(message, r#"{"profile":{"name":"Ada"},"wa_id":"15550100"}"#).unwrap();
        assert_eq!((decoded.kind.as_str(), decoded.text.as_str()), ("text", "Hello"));
        assert_eq!(decoded.bsuid.as_deref(), Some("US.1"));
        assert_eq!(decoded.profile_name.as_deref(), Some("Ada"));
        assert_eq!(decoded.reply_to.as_deref(), Some("wamid.0"));
        assert_eq!(decoded.timestamp, DateTime::from_timestamp(1_800_000_000, 0));
        assert_eq!(decoded.payload, message);
    }

    #[test]
    fn everything_but_the_id_may_be_missing() {
        let decoded = decode(r#"{"id":"wamid.A"}"#, "").unwrap();
        assert_eq!((decoded.kind.as_str(), decoded.text.as_str()), ("unknown", "Unsupported message"));
        assert_eq!((decoded.bsuid, decoded.phone, decoded.timestamp), (None, None, None));
        assert_eq!(decode("{}", ""), Err(Undecodable::NoId));
        assert_eq!(decode_message(b"{}"), Err(Undecodable::NoMessage));
        assert_eq!(decode_message(b""), Err(Undecodable::NoMessage));
    }

    #[test]
    fn ids_that_no_index_takes_are_refused_or_none() {
        let long = "x".repeat(5_000);
        assert_eq!(decode(&format!(r#"{{"id":"{long}"}}"#), ""), Err(Undecodable::LongId));
        let decoded = decode(
            &format!(r#"{{"id":"wamid.A","from":"{long}","from_user_id":"{long}"}}"#),
            &format!(r#"{{"profile":{{"name":"{long}"}}}}"#),
        )
        .unwrap();
        assert_eq!((decoded.phone, decoded.bsuid), (None, None));
        assert_eq!(decoded.profile_name.map(|name| name.len()), Some(MAX_NAME_CHARS));
    }

    #[test]
    fn media_is_a_pointer() {
        let decoded = decode(
            r#"{"id":"wamid.A","type":"document","document":{"id":17,"filename":"../../etc/pass\u0007wd","mime_type":"application/pdf"}}"#,
            "",
        )
        .unwrap();
        let media = decoded.media.unwrap();
        assert_eq!((media.id.as_str(), media.filename.as_deref()), ("17", Some("passwd")));
        assert_eq!(decoded.text, "passwd");
    }

    #[test]
    fn times_out_of_range_are_none() {
        for time in [r#""x""#, "-1", "1e300", "99999999999999999999", r#""""#] {
            assert_eq!(decode(&format!(r#"{{"id":"wamid.A","timestamp":{time}}}"#), "").unwrap().timestamp, None);
        }
    }
}
