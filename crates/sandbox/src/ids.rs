//! Ids as Meta makes them: opaque, and never the same twice.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::random::Random;

/// Makes ids. Two sandboxes that start in different milliseconds make different ones.
#[derive(Debug)]
pub(crate) struct Ids {
    random: Random,
    made: u64,
}

impl Ids {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self { random: Random::new(now_ms.unsigned_abs()), made: 0 }
    }

    /// The id of a message.
    pub(crate) fn wamid(&mut self) -> String {
        self.made += 1;
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.random.next().to_be_bytes());
        bytes[8..16].copy_from_slice(&self.random.next().to_be_bytes());
        bytes[16..].copy_from_slice(&self.made.to_be_bytes());
        format!("wamid.HBgL{}", STANDARD.encode(bytes))
    }

    /// The id by which Meta's support finds a request.
    pub(crate) fn trace(&mut self) -> String {
        format!("A{}", URL_SAFE_NO_PAD.encode(self.random.next().to_be_bytes()))
    }

    /// A numeric id, as templates and media have.
    pub(crate) fn numeric(&mut self) -> String {
        (1_000_000_000_000_000 + self.random.next() % 1_000_000_000_000_000).to_string()
    }
}

/// A business-scoped user id: the same for the same phone number.
pub(crate) fn bsuid(phone: &str) -> String {
    let seed = phone.bytes().fold(17_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut random = Random::new(seed);
    format!("US.{}{:04}", 10_000_000_000_000 + random.next() % 89_999_999_999_999, random.next() % 10_000)
}

/// Whether the text has the form of a business-scoped user id.
pub(crate) fn is_bsuid(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let mut ids = Ids::new(1);
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.wamid()).collect();
        assert_eq!(made.len(), 1000);
    }

    #[test]
    fn bsuid_has_its_form_and_belongs_to_the_phone() {
        assert!(is_bsuid(&bsuid("15550100002")));
        assert_eq!(bsuid("15550100002"), bsuid("15550100002"));
        assert_ne!(bsuid("15550100002"), bsuid("15550100003"));
        assert!(is_bsuid("US.ENT.11815799212886844830"));
        assert!(!is_bsuid("15550100002"));
        assert!(!is_bsuid("us.1"));
    }
}
