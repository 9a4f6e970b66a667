//! Names of files, which are chosen by strangers: what is kept of them, and how a download carries them.

use std::fmt::Write as _;

/// Characters that are kept.
const MAX_CHARACTERS: usize = 150;
/// Characters of the ending that a long name keeps.
const MAX_ENDING: usize = 20;
/// Of a file without a name.
const UNNAMED: &str = "file";

/// A name that is no path and does not mislead: its last part, without control characters, and without those that change the direction
/// of writing, by which `fdp.exe` looks like `exe.pdf`. `None` if nothing remains.
pub(crate) fn harmless(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let cleaned = cleaned.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let count = cleaned.chars().count();
    if count == 0 {
        return None;
    }
    if count <= MAX_CHARACTERS {
        return Some(cleaned.to_owned());
    }
    let ending = cleaned.rfind('.').map(|at| &cleaned[at..]).filter(|ending| ending.chars().count() <= MAX_ENDING);
    let ending = ending.unwrap_or_default();
    let kept = MAX_CHARACTERS - ending.chars().count();
    Some(cleaned.chars().take(kept).chain(ending.chars()).collect())
}

/// Marks of direction, joiners and other characters of no width (Unicode's general category Cf, as far as it occurs in names).
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// `Content-Disposition` (RFC 6266): the name in ASCII for old clients, and in UTF-8 (RFC 8187).
pub(super) fn disposition(is_inline: bool, name: Option<&str>) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let name = name.and_then(harmless).unwrap_or_else(|| UNNAMED.to_owned());
    let ascii: String = name.chars().map(|c| if c.is_ascii() && c != '%' { c } else { '_' }).collect();
    let mut header = format!("{kind}; filename=\"{ascii}\"");
    if ascii != name {
        header.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                header.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _written = write!(header, "%{byte:02X}");
            }
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_name_becomes_harmless() {
        for (name, kept) in [
            ("invoice.pdf", Some("invoice.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Windows\\system.ini", Some("system.ini")),
            ("a\r\nSet-Cookie: x=1.txt", Some("aSet-Cookie_ x=1.txt")),
            ("fdp\u{202e}exe.pdf", Some("fdpexe.pdf")),
            ("a\"; filename=\"b.html", Some("a_; filename=_b.html")),
            ("nul\0.txt", Some("nul.txt")),
            ("Rechnung März.pdf", Some("Rechnung März.pdf")),
            ("..", None),
            ("\u{200b}", None),
            ("a/", None),
        ] {
            assert_eq!(harmless(name).as_deref(), kept, "{name:?}");
        }
    }

    #[test]
    fn long_name_keeps_its_ending() {
        let name = harmless(&format!("{}.docx", "ä".repeat(300))).unwrap();
        assert_eq!(name.chars().count(), MAX_CHARACTERS);
        assert!(name.ends_with("ä.docx"));
    }

    #[test]
    fn disposition_has_both_forms_of_a_name() {
        assert_eq!(disposition(false, Some("a b.pdf")), "attachment; filename=\"a b.pdf\"");
        assert_eq!(disposition(true, None), "inline; filename=\"file\"");
        assert_eq!(
            disposition(false, Some("März 50%.pdf")),
            "attachment; filename=\"M_rz 50_.pdf\"; filename*=UTF-8''M%C3%A4rz%2050%25.pdf"
        );
        for name in ["a\r\nX: y", "a\"b", "a\\b\"c", "\u{202e}x"] {
            let header = disposition(false, Some(name));
            assert!(actix_web::http::header::HeaderValue::from_str(&header).is_ok(), "{header}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
        }
    }
}
