use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// An email address: as it was written, for display, and in the form that is compared.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    original: String,
    normalized: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address of at most {} bytes, such as name@company.example", Email::MAX_BYTES)]
pub struct InvalidEmail;

impl Email {
    /// RFC 5321, section 4.5.3.1.3: a path of 256 octets, its two angle brackets aside.
    pub const MAX_BYTES: usize = 254;
    /// RFC 5321, section 4.5.3.1.1.
    const MAX_LOCAL_BYTES: usize = 64;

    /// Trims, brings to NFC, the domain to lower-case ASCII (IDNA, UTS #46); for comparison the local part is
    /// lower-cased, too.
    ///
    /// # Errors
    /// [`InvalidEmail`] for what cannot be an address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let original: String = text.trim().nfc().collect();
        let (local, domain) = original.rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail)?;
        let normalized = format!("{}@{domain}", local.to_lowercase());

        let fits = |text: &str| text.len() <= Self::MAX_BYTES;
        let local_is_sane = (1..=Self::MAX_LOCAL_BYTES).contains(&local.len())
            && !local.chars().any(|c| c.is_control() || c.is_whitespace() || "@<>()[]\\,;:\"".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_is_sane = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
        if local_is_sane && domain_is_sane && fits(&original) && fits(&normalized) {
            Ok(Self { original, normalized })
        } else {
            Err(InvalidEmail)
        }
    }

    /// An address that nobody can have: for work that must look like any other.
    #[must_use]
    pub const fn of_nobody() -> Self {
        Self { original: String::new(), normalized: String::new() }
    }

    /// An address as it was stored, both forms.
    #[must_use]
    pub const fn from_stored(original: String, normalized: String) -> Self {
        Self { original, normalized }
    }

    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.original
    }

    #[must_use]
    pub fn normalized(&self) -> &str {
        &self.normalized
    }
}

/// Personal data stays out of logs: only the domain is shown.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.normalized.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "Email(***@{domain})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_the_normalized_form() {
        let email = Email::parse("  Ada.Lovelace@BÜCHER.example ").unwrap();
        assert_eq!(email.as_written(), "Ada.Lovelace@BÜCHER.example");
        assert_eq!(email.normalized(), "ada.lovelace@xn--bcher-kva.example");
        // The decomposed spelling of the same address.
        assert_eq!(Email::parse("jose\u{301}@x.example").unwrap(), Email::parse("josé@x.example").unwrap());
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long = format!("{}@x.example", "a".repeat(65));
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b.example",
            "a b@c.example",
            "a@b",
            "a@b..example",
            "a\0@b.example",
            "a@b@c.d",
            ".a@b.example",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn debug_hides_the_person() {
        assert_eq!(format!("{:?}", Email::parse("ada@x.example").unwrap()), "Email(***@x.example)");
    }
}
