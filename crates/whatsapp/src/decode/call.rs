//! Calls: recorded in the conversation. Parley makes no calls.

use chrono::{DateTime, Utc};

use super::change::Change;
use super::error::DecodeError;
use super::ids;
use super::party::{FROM, PersonFields, RECIPIENT, TO, contact_entry};
use crate::json::Object;
use crate::update::{CallUpdate, Update};
use kernel::Direction;

pub(super) fn decode(change: &Change<'_>) -> Result<Option<Update>, DecodeError> {
    if let Some(item) = change.first("calls") {
        let call = &item.members;
        let direction = direction(change, call);
        let event = word(call, "event");
        let (keys, text) = match direction {
            Direction::Inbound => (FROM, text(direction, &event, call)),
            Direction::Outbound => (TO, text(direction, &event, call)),
        };
        return call_update(change, call, &keys, (direction, event, text)).map(Some);
    }
    if let Some(item) = change.first("statuses") {
        // Only outbound calls have statuses.
        let status = word(&item.members, "status");
        let text = format!("Call {}", status.replace('_', " "));
        return call_update(change, &item.members, &RECIPIENT, (Direction::Outbound, status, text)).map(Some);
    }
    Ok(None)
}

fn call_update(
    change: &Change<'_>,
    call: &Object<'_>,
    keys: &PersonFields,
    (direction, event, text): (Direction, String, String),
) -> Result<Update, DecodeError> {
    Ok(Update::Call(CallUpdate {
        call_id: ids::own(call)?,
        is_missed: direction == Direction::Inbound && event == "terminate" && seconds(call).is_none(),
        event,
        direction,
        customer: keys.of(call).or_else_from(contact_entry(&change.person)),
        text,
        timestamp: ids::timestamp(call),
    }))
}

fn direction(change: &Change<'_>, call: &Object<'_>) -> Direction {
    let said = ids::lowered(call, "direction");
    let outbound = match said.as_deref() {
        Some("business_initiated") => true,
        Some("user_initiated") => false,
        _ => ids::phone(call, &["from"]).is_some_and(|from| Some(from) == change.business_phone()),
    };
    if outbound { Direction::Outbound } else { Direction::Inbound }
}

fn word(object: &Object<'_>, key: &str) -> String {
    let plain = |word: &String| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ids::lowered(object, key).filter(plain).unwrap_or_else(|| "unknown".to_owned())
}

fn text(direction: Direction, event: &str, call: &Object<'_>) -> String {
    let which = match direction {
        Direction::Inbound => "Incoming call",
        Direction::Outbound => "Outgoing call",
    };
    match event {
        "connect" | "created" | "unknown" => which.to_owned(),
        "terminate" => match (seconds(call), direction) {
            (Some(seconds), _) => format!("{which} ended after {}", duration(seconds)),
            (None, Direction::Inbound) => "Missed call".to_owned(),
            (None, Direction::Outbound) => "Call not answered".to_owned(),
        },
        "call_recording_available" => "Call recording available".to_owned(),
        "call_transcription_available" => "Call transcript available".to_owned(),
        other => format!("{which}: {}", other.replace('_', " ")),
    }
}

/// The duration. A call that was not answered has neither a duration nor a start time.
fn seconds(call: &Object<'_>) -> Option<i64> {
    let time = |key| -> Option<DateTime<Utc>> { ids::time(call, key) };
    let told = call.text("duration").and_then(|seconds| seconds.parse().ok());
    let seconds: i64 = told.or_else(|| Some((time("end_time")? - time("start_time")?).num_seconds()))?;
    (seconds > 0).then_some(seconds)
}

fn duration(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(value: &str) -> Result<Option<CallUpdate>, DecodeError> {
        let json = format!(
            r#"{{"changes":[{{"field":"calls","value":{{"metadata":{{"display_phone_number":"15550001"}},{value}}}}}]}}"#
        );
        let update = super::decode(&Change::of(&Object::parse(&json).unwrap()).unwrap())?;
        Ok(update.map(|update| if let Update::Call(call) = update { call } else { panic!("{update:?}") }))
    }

    fn call(members: &str) -> CallUpdate {
        decode(&format!(r#""calls":[{{"id":"wacid.A",{members}}}]"#)).unwrap().unwrap()
    }

    #[test]
    fn call_events_become_readable_texts() {
        let (theirs, ours) = (r#""direction":"USER_INITIATED","#, r#""direction":"BUSINESS_INITIATED","#);
        let rows = [
            (theirs, r#""event":"connect""#, "Incoming call"),
            (ours, r#""event":"connect""#, "Outgoing call"),
            (theirs, r#""event":"terminate","duration":35"#, "Incoming call ended after 0:35"),
            (ours, r#""event":"terminate","duration":"3661""#, "Outgoing call ended after 1:01:01"),
            (
                theirs,
                r#""event":"terminate","start_time":"1800000000","end_time":1800000090"#,
                "Incoming call ended after 1:30",
            ),
            (theirs, r#""event":"terminate","status":"FAILED""#, "Missed call"),
            (theirs, r#""event":"terminate","duration":-1"#, "Missed call"),
            (ours, r#""event":"terminate""#, "Call not answered"),
            (theirs, r#""event":"call_recording_available""#, "Call recording available"),
            (theirs, r#""event":"call_transcription_available""#, "Call transcript available"),
            (theirs, r#""event":"put_on_hold""#, "Incoming call: put on hold"),
            (theirs, r#""event":"Ünknown""#, "Incoming call"),
            (theirs, r#""x":1"#, "Incoming call"),
        ];
        for (direction, members, expected) in rows {
            let call = call(&format!("{direction}{members}"));
            assert_eq!((call.text.as_str(), call.is_missed), (expected, expected == "Missed call"), "{members}");
        }
    }

    #[test]
    fn customer_is_the_other_side() {
        let sides = r#""from":"1","from_user_id":"US.1","to":"2","to_user_id":"US.2""#;
        let theirs = call(&format!(r#""direction":"USER_INITIATED",{sides}"#));
        assert_eq!((theirs.direction, theirs.customer.bsuid.as_deref()), (Direction::Inbound, Some("US.1")));
        let ours = call(&format!(r#""direction":"BUSINESS_INITIATED",{sides}"#));
        assert_eq!((ours.direction, ours.customer.phones.join(" ")), (Direction::Outbound, "2".to_owned()));
        assert_eq!(call(r#""from":"+15550001""#).direction, Direction::Outbound);
        assert_eq!(call(r#""from":"1""#).direction, Direction::Inbound);
    }

    #[test]
    fn statuses_are_of_calls_that_the_business_made() {
        let status = decode(r#""statuses":[{"id":"wacid.A","status":"RINGING","recipient_id":"1"}]"#).unwrap().unwrap();
        assert_eq!((status.event.as_str(), status.text.as_str()), ("ringing", "Call ringing"));
        assert_eq!((status.direction, status.customer.phones.join(" ")), (Direction::Outbound, "1".to_owned()));
        assert_eq!(decode(r#""statuses":[{}]"#), Err(DecodeError::NoId));
        assert_eq!(decode(r#""errors":[{}]"#), Ok(None));
    }
}
