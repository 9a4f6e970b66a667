//! Whom a message goes to.

use super::check::Part;
use crate::graph::error::GraphError;
use crate::ids;

/// The address as the request has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Address {
    /// Digits, with the country's code, after Meta's rule for numbers without `+`.
    Phone(String),
    Bsuid(String),
    Group(String),
    /// A user id in `to`: Meta accepts the message, and never delivers it.
    Lost,
}

impl Address {
    /// Reads `recipient_type`, `to` and `recipient`. If both addresses are there, `to` counts.
    pub(crate) fn of(request: &Part<'_>, calling_code: &str) -> Result<Self, GraphError> {
        let is_group = match request.optional_text("recipient_type", 32)? {
            None | Some("individual") => false,
            Some("group") => true,
            Some(_) => {
                return Err(GraphError::parameter("Param recipient_type must be one of {INDIVIDUAL, GROUP}."));
            }
        };
        let to = request.optional_text("to", 256)?.filter(|to| !to.is_empty());
        let recipient = request.optional_text("recipient", 256)?.filter(|recipient| !recipient.is_empty());
        match (to, recipient) {
            (Some(to), _) if is_group => Ok(Self::Group(to.to_owned())),
            (Some(to), _) if ids::is_bsuid(to) => Ok(Self::Lost),
            (Some(to), _) => phone(to, calling_code),
            (None, Some(recipient)) if ids::is_bsuid(recipient) => Ok(Self::Bsuid(recipient.to_owned())),
            (None, Some(_)) => Err(GraphError::parameter("Param recipient must be a business-scoped user ID.")),
            (None, None) => Err(GraphError::required("to")),
        }
    }
}

/// Without `+` Meta puts the sender's calling code before the digits, unless they begin with it.
fn phone(text: &str, calling_code: &str) -> Result<Address, GraphError> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let has_only_a_number = text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    if !has_only_a_number || !(5..=20).contains(&digits.len()) {
        return Err(GraphError::value("to is not a phone number"));
    }
    let is_international = text.trim_start().starts_with('+') || digits.starts_with(calling_code);
    Ok(Address::Phone(if is_international { digits } else { format!("{calling_code}{digits}") }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(request: &Value) -> Result<Address, GraphError> {
        Address::of(&Part::root(request.as_object().unwrap()), "1")
    }

    #[test]
    fn phone_without_plus_gets_the_senders_code() {
        assert_eq!(of(&json!({"to": "+49 151-12345678"})), Ok(Address::Phone("4915112345678".to_owned())));
        assert_eq!(of(&json!({"to": "4915112345678"})), Ok(Address::Phone("14915112345678".to_owned())));
        assert_eq!(of(&json!({"to": "15550100002"})), Ok(Address::Phone("15550100002".to_owned())));
    }

    #[test]
    fn user_id_in_to_is_lost() {
        assert_eq!(of(&json!({"to": "US.13491208655302741918"})), Ok(Address::Lost));
        assert_eq!(
            of(&json!({"recipient": "US.13491208655302741918"})),
            Ok(Address::Bsuid("US.13491208655302741918".into()))
        );
    }

    #[test]
    fn to_counts_if_both_are_given() {
        assert_eq!(
            of(&json!({"to": "+15550100002", "recipient": "US.1"})),
            Ok(Address::Phone("15550100002".to_owned()))
        );
    }

    #[test]
    fn request_without_address_is_refused() {
        assert_eq!(of(&json!({})).unwrap_err().message, "(#100) The parameter to is required.");
        assert_eq!(of(&json!({"to": "+15550100002", "recipient_type": "person"})).unwrap_err().code, 100);
        assert_eq!(of(&json!({"to": "somebody"})).unwrap_err().code, 131_009);
    }
}
