use crate::identity::{Identity, IdentityKind, written_number};

/// What a contact without a name, user name and number is called.
const UNKNOWN: &str = "Unknown";

/// Who a contact is: the name, else the WhatsApp user name, else the number as people write it. Only identities that the contact has
/// now count, of several the newest; they are in the order in which they became known.
#[must_use]
pub fn title(display_name: &str, identities: &[Identity]) -> String {
    let name = display_name.trim();
    if !name.is_empty() {
        return name.to_owned();
    }
    let newest = |kind| {
        let mut newest_first = identities.iter().rev();
        let newest = newest_first.find(|identity| identity.current && identity.key.kind == kind);
        newest.map(|identity| identity.key.value.as_str())
    };
    let user_name = || newest(IdentityKind::Username).map(str::to_owned);
    user_name().or_else(|| newest(IdentityKind::Phone).map(written_number)).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// A row about a contact, and who that is.
#[derive(Clone, Debug)]
pub struct Titled<T> {
    pub row: T,
    pub contact_title: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdentityKey;

    #[test]
    fn title_is_name_or_user_name_or_number() {
        let identity = |key: IdentityKey, current| Identity { key, current };
        let phone = |digits: &str| identity(IdentityKey::phone(digits).unwrap(), true);
        let bsuid = identity(IdentityKey::bsuid("1", "US.1"), true);
        let user_name = |current| identity(IdentityKey::username("ada"), current);
        let number = phone("442079460958");
        for (name, identities, expected) in [
            (" Ada ", vec![user_name(true), number.clone()], "Ada"),
            (" ", vec![user_name(true), number.clone()], "ada"),
            ("", vec![user_name(false), number.clone()], "+44 20 7946 0958"),
            ("", vec![phone("4915123456789"), number.clone()], "+44 20 7946 0958"),
            ("", vec![number.clone(), Identity { current: false, ..phone("4915123456789") }], "+44 20 7946 0958"),
            // No number of a known country.
            ("", vec![phone("99912345")], "+99912345"),
            ("", vec![bsuid], UNKNOWN),
            ("", Vec::new(), UNKNOWN),
        ] {
            assert_eq!(title(name, &identities), expected, "{name} {identities:?}");
        }
    }
}
