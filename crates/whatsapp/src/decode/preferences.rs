//! Consent to marketing messages.

use super::error::DecodeError;
use super::ids;
use super::party::{CONTACT, contact_entry};
use crate::json::Object;
use crate::update::{ConsentUpdate, Update};

pub(super) fn decode(item: &Object<'_>, person: &Object<'_>) -> Result<Option<Update>, DecodeError> {
    if ids::lowered(item, "category").is_some_and(|category| category != "marketing_messages") {
        return Ok(None);
    }
    let granted = match ids::lowered(item, "value").as_deref() {
        Some("resume") => true,
        Some("stop") => false,
        _ => return Ok(None),
    };
    let customer = CONTACT.of(item).or_else_from(contact_entry(person));
    if !customer.is_identifiable() {
        return Err(DecodeError::NoPerson);
    }
    Ok(Some(Update::Consent(ConsentUpdate { customer, granted, timestamp: ids::timestamp(item) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(members: &str) -> Result<Option<bool>, DecodeError> {
        let update = decode(&Object::parse(&format!("{{{members}}}")).unwrap(), &Object::default())?;
        Ok(update
            .map(|update| if let Update::Consent(consent) = update { consent.granted } else { panic!("{update:?}") }))
    }

    #[test]
    fn only_marketing_preferences_are_consent() {
        let rows = [
            (r#""wa_id":"1","category":"marketing_messages","value":"stop""#, Ok(Some(false))),
            (r#""user_id":"US.1","category":"marketing_messages","value":"resume""#, Ok(Some(true))),
            (r#""wa_id":1,"value":"STOP""#, Ok(Some(false))),
            (r#""wa_id":"1","category":"news","value":"stop""#, Ok(None)),
            (r#""wa_id":"1","category":"marketing_messages","value":"later""#, Ok(None)),
            (r#""wa_id":"1","category":"marketing_messages""#, Ok(None)),
            (r#""wa_id":"","value":"stop""#, Err(DecodeError::NoPerson)),
        ];
        for (members, expected) in rows {
            assert_eq!(granted(members), expected, "{members}");
        }
    }
}
