//! Changes of message templates.

use super::change::Change;
use super::ids;
use crate::update::{TemplateFact, TemplateUpdate, Update};

/// An update of a template, if the change has a field of templates. `template_correct_category_detection` only announces a change.
pub(super) fn decode(change: &Change<'_>) -> Option<Update> {
    let value = &change.value;
    let word = |key: &str| value.text(key).filter(|word| word.len() <= MAX_WORD_BYTES);
    let fact = match change.field.as_str() {
        "message_template_status_update" => TemplateFact::Status {
            event: word("event")?,
            // Meta writes `NONE` where there is no reason.
            reason: word("reason").filter(|reason| reason != "NONE"),
        },
        "message_template_quality_update" => TemplateFact::Quality(word("new_quality_score")?),
        "template_category_update" => TemplateFact::Category(word("new_category")?),
        "message_template_components_update" => TemplateFact::Components,
        _ => return None,
    };
    let template_id = ids::waba(value, "message_template_id")?;
    Some(Update::Template(TemplateUpdate { template_id, change: fact, timestamp: change.time }))
}

/// Meta's words have less than 40 bytes today.
const MAX_WORD_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::json::Object;

    fn decode(field: &str, value: &str) -> Option<TemplateUpdate> {
        let json = format!(r#"{{"id":"1","time":1790000000,"changes":[{{"field":"{field}","value":{value}}}]}}"#);
        let update = super::decode(&Change::of(&Object::parse(&json).unwrap()).unwrap());
        update.map(|update| if let Update::Template(template) = update { template } else { panic!("{update:?}") })
    }

    #[test]
    fn each_field_tells_its_fact() {
        let id = r#""message_template_id":594425479261596"#;
        let status = |event: &str, reason: Option<&str>| TemplateFact::Status {
            event: event.to_owned(),
            reason: reason.map(str::to_owned),
        };
        let rows = [
            ("message_template_status_update", r#""event":"APPROVED","reason":"NONE""#, status("APPROVED", None)),
            ("message_template_status_update", r#""event":"PAUSED""#, status("PAUSED", None)),
            (
                "message_template_status_update",
                r#""event":"REJECTED","reason":"INVALID_FORMAT""#,
                status("REJECTED", Some("INVALID_FORMAT")),
            ),
            (
                "message_template_quality_update",
                r#""previous_quality_score":"GREEN","new_quality_score":"YELLOW""#,
                TemplateFact::Quality("YELLOW".to_owned()),
            ),
            (
                "template_category_update",
                r#""previous_category":"UTILITY","new_category":"MARKETING""#,
                TemplateFact::Category("MARKETING".to_owned()),
            ),
            ("message_template_components_update", r#""message_template_element":"Hi""#, TemplateFact::Components),
        ];
        for (field, members, change) in rows {
            let update = decode(field, &format!("{{{id},{members}}}")).unwrap();
            assert_eq!(update.template_id, "594425479261596", "a number becomes its digits");
            assert_eq!(update.timestamp, DateTime::from_timestamp(1_790_000_000, 0));
            assert_eq!(update.change, change);
        }
    }

    #[test]
    fn change_without_id_or_word_changes_nothing() {
        for (field, value) in [
            ("message_template_status_update", r#"{"event":"APPROVED"}"#),
            ("message_template_status_update", r#"{"message_template_id":1}"#),
            ("template_category_update", r#"{"message_template_id":1,"correct_category":"MARKETING"}"#),
            ("template_correct_category_detection", r#"{"message_template_id":1}"#),
            ("account_update", r#"{"message_template_id":1}"#),
        ] {
            assert_eq!(decode(field, value), None, "{field}: {value}");
        }
    }
}
