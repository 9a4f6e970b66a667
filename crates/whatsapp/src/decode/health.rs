//! Health updates of an account or its number.

use serde_json::value::RawValue;

use super::change::Change;
use super::ids;
use crate::json::Object;
use crate::update::{Connection, HealthTopic, HealthUpdate, Update};

/// A health update, if the change has a field of health.
pub(super) fn decode(change: &Change<'_>) -> Option<Update> {
    let topic = match change.field.as_str() {
        "account_update" => HealthTopic::Account,
        "account_alerts" => HealthTopic::Alerts,
        "account_review_update" => HealthTopic::Review,
        "account_settings_update" => HealthTopic::Settings,
        "business_capability_update" => HealthTopic::Capability,
        "security" => HealthTopic::Security,
        "phone_number_quality_update" => HealthTopic::Quality,
        "phone_number_name_update" => HealthTopic::Name,
        // Meta's documentation uses both names.
        "business_username_update" | "business_username_updates" => HealthTopic::Username,
        _ => return None,
    };
    let connection = if topic == HealthTopic::Account { connection(&change.value) } else { None };
    Some(health_update(change, topic, change.json, connection))
}

pub(super) fn health_update(
    change: &Change<'_>,
    topic: HealthTopic,
    detail: &RawValue,
    connection: Option<Connection>,
) -> Update {
    Update::Health(HealthUpdate {
        topic,
        display_phone_number: find_nested(&change.value, |object| {
            ids::phone(object, &["display_phone_number", "phone_number"])
        }),
        entity_id: find_nested(&change.value, |object| {
            ["phone_number_id", "entity_id"].iter().find_map(|key| ids::waba(object, key))
        }),
        detail: detail.get().to_owned(),
        connection,
        timestamp: change.time.or_else(|| ids::timestamp(&change.value)),
    })
}

/// Whether the event stops or restores deliveries. Violations and restrictions do neither. `PARTNER_APP_UNINSTALLED` may name
/// another app than the one that delivers, so it does neither.
fn connection(value: &Object<'_>) -> Option<Connection> {
    match ids::lowered(value, "event")?.as_str() {
        "partner_removed" | "account_offboarded" | "account_deleted" => Some(Connection::Lost),
        "partner_added" | "account_reconnected" => Some(Connection::Restored),
        "disabled_update" => ban_effect(&value.object("ban_info")?),
        _ => None,
    }
}

/// A scheduled ban has no effect yet.
fn ban_effect(info: &Object<'_>) -> Option<Connection> {
    let states = info.get("waba_ban_state")?.get();
    let is = |state: &str| states.contains(&format!(r#""{state}""#));
    if is("REINSTATE") { Some(Connection::Restored) } else { is("DISABLE").then_some(Connection::Lost) }
}

/// Finds a value in the object itself, or in one of its members.
fn find_nested(value: &Object<'_>, of: impl Fn(&Object<'_>) -> Option<String>) -> Option<String> {
    let wrapped = |raw: &RawValue| match raw.get().as_bytes() {
        [b'{', ..] => Object::parse(raw.get()).as_ref().and_then(&of),
        [b'[', ..] => serde_json::from_str::<Vec<&RawValue>>(raw.get())
            .ok()?
            .first()
            .and_then(|first| of(&Object::parse(first.get())?)),
        _ => None,
    };
    of(value).or_else(|| value.members().find_map(|(_, raw)| wrapped(raw)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn decode(entry: &str, field: &str, value: &str) -> Option<HealthUpdate> {
        let json = format!(r#"{{{entry}"changes":[{{"field":"{field}","value":{value}}}]}}"#);
        let update = super::decode(&Change::of(&Object::parse(&json).unwrap()).unwrap());
        update.map(|update| if let Update::Health(health) = update { health } else { panic!("{update:?}") })
    }

    #[test]
    fn each_topic_has_its_field() {
        let rows = [
            ("account_update", Some(HealthTopic::Account)),
            ("account_alerts", Some(HealthTopic::Alerts)),
            ("account_review_update", Some(HealthTopic::Review)),
            ("account_settings_update", Some(HealthTopic::Settings)),
            ("business_capability_update", Some(HealthTopic::Capability)),
            ("security", Some(HealthTopic::Security)),
            ("phone_number_quality_update", Some(HealthTopic::Quality)),
            ("phone_number_name_update", Some(HealthTopic::Name)),
            ("business_username_update", Some(HealthTopic::Username)),
            ("business_username_updates", Some(HealthTopic::Username)),
            ("message_template_status_update", None),
            ("message_echoes", None),
            ("", None),
        ];
        for (field, topic) in rows {
            assert_eq!(decode("", field, r#"{"x":1}"#).map(|health| health.topic), topic, "{field}");
        }
    }

    #[test]
    fn some_events_stop_or_restore_deliveries() {
        let rows = [
            (r#"{"event":"PARTNER_REMOVED"}"#, Some(Connection::Lost)),
            (r#"{"event":"ACCOUNT_OFFBOARDED"}"#, Some(Connection::Lost)),
            (r#"{"event":"ACCOUNT_DELETED"}"#, Some(Connection::Lost)),
            (r#"{"event":"PARTNER_ADDED"}"#, Some(Connection::Restored)),
            (r#"{"event":"ACCOUNT_RECONNECTED"}"#, Some(Connection::Restored)),
            (r#"{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"DISABLE"}}"#, Some(Connection::Lost)),
            (r#"{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":["REINSTATE"]}}"#, Some(Connection::Restored)),
            (r#"{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"SCHEDULE_FOR_DISABLE"}}"#, None),
            (r#"{"event":"PARTNER_APP_UNINSTALLED"}"#, None),
            (r#"{"event":"ACCOUNT_RESTRICTION"}"#, None),
            (r#"{"event":7}"#, None),
        ];
        for (value, expected) in rows {
            let health = decode("", "account_update", value).unwrap();
            assert_eq!((health.connection, health.detail.as_str()), (expected, value));
        }
        assert_eq!(decode("", "account_alerts", r#"{"event":"ACCOUNT_DELETED"}"#).unwrap().connection, None);
    }

    #[test]
    fn number_is_found_in_several_places() {
        for value in [
            r#"{"display_phone_number":"+1 555-0001"}"#,
            r#"{"phone_number":15550001}"#,
            r#"{"metadata":{"display_phone_number":"15550001"}}"#,
            r#"{"business_username_updates":[{"display_phone_number":"15550001"}]}"#,
        ] {
            assert_eq!(decode("", "security", value).unwrap().display_phone_number.as_deref(), Some("15550001"));
        }
        assert_eq!(decode("", "security", r#"{"a":[],"b":[1],"c":"1"}"#).unwrap().display_phone_number, None);
        for value in [
            r#"{"phone_number_id":"100"}"#,
            r#"{"entity_type":"PHONE_NUMBER","entity_id":100}"#,
            r#"{"type":"x","phone_number_settings":{"phone_number_id":"100"}}"#,
        ] {
            assert_eq!(decode("", "account_alerts", value).unwrap().entity_id.as_deref(), Some("100"));
        }
    }

    #[test]
    fn time_is_that_of_the_entry() {
        let time = |entry: &str, value: &str| decode(entry, "security", value).unwrap().timestamp;
        let expected = DateTime::from_timestamp(1_800_000_000, 0);
        assert_eq!(time(r#""time":1800000000,"#, r#"{"timestamp":1800000001}"#), expected);
        assert_eq!(time(r#""time":"1800000000","#, "{}"), expected);
        assert_eq!(time("", r#"{"timestamp":"1800000000"}"#), expected);
    }
}
