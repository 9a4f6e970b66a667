use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// An email address: as the user wrote it, for display, and normalized, for comparison.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    original: String,
    normalized: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address of at most {} bytes, such as name@company.example", Email::MAX_BYTES)]
pub struct InvalidEmail;

impl Email {
    /// RFC 5321, section 4.5.3.1.3: a path of 256 octets, less its two angle brackets.
    pub const MAX_BYTES: usize = 254;
    /// RFC 5321, section 4.5.3.1.1.
    const MAX_LOCAL_BYTES: usize = 64;

    /// Trims the text and brings it to NFC. The normalized form has the domain in lower-case ASCII (IDNA, UTS #46) and the local
    /// part in lower case.
    ///
    /// # Errors
    /// [`InvalidEmail`].
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let original: String = text.trim().nfc().collect();
        let (local, domain) = original.rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail)?;
        let normalized = format!("{}@{domain}", local.to_lowercase());

        let fits = |text: &str| text.len() <= Self::MAX_BYTES;
        let valid_local = (1..=Self::MAX_LOCAL_BYTES).contains(&local.len())
            && !local.chars().any(|c| c.is_control() || c.is_whitespace() || "@<>()[]\\,;:\"".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let valid_domain = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
        if valid_local && valid_domain && fits(&original) && fits(&normalized) {
            Ok(Self { original, normalized })
        } else {
            Err(InvalidEmail)
        }
    }

    /// An address that no user can have, so that a login with an invalid address does the same work as any other.
    #[must_use]
    pub const fn placeholder() -> Self {
        Self { original: String::new(), normalized: String::new() }
    }

    /// Both forms as they were stored.
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

/// Shows only the domain, to keep personal data out of logs.
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
    fn emails_compare_by_normalized_form() {
        let email = Email::parse("  Ada.Lovelace@BÜCHER.example ").unwrap();
        assert_eq!(email.as_written(), "Ada.Lovelace@BÜCHER.example");
        assert_eq!(email.normalized(), "ada.lovelace@xn--bcher-kva.example");
        // The decomposed spelling of the same address.
        assert_eq!(Email::parse("jose\u{301}@x.example").unwrap(), Email::parse("josé@x.example").unwrap());
    }

    #[test]
    fn invalid_email_is_refused() {
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
    fn debug_hides_local_part() {
        assert_eq!(format!("{:?}", Email::parse("ada@x.example").unwrap()), "Email(***@x.example)");
    }
}
