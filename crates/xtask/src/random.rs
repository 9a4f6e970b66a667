//! Secrets for a developer's instance, straight from the kernel.

use crate::error::{Context, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut buffer = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut buffer))
        .context(|| "cannot read /dev/urandom".to_owned())?;
    Ok(buffer)
}

/// 24 random bytes in hexadecimal: safe in URLs, configuration files and shells.
pub(crate) fn password() -> Result<String> {
    let mut text = String::new();
    for byte in bytes::<24>()? {
        // Writing to a String cannot fail.
        let _written = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// 32 random bytes in standard base64.
pub(crate) fn key() -> Result<String> {
    Ok(base64(&bytes::<32>()?))
}

fn base64(input: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in input.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) & 63;
            text.push(if position > chunk.len() { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_rfc_4648() {
        // RFC 4648, section 10.
        for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn secrets_are_fresh_and_of_full_length() {
        assert_eq!(password().unwrap().len(), 48);
        assert_eq!(key().unwrap().len(), 44);
        assert_ne!(password().unwrap(), password().unwrap());
    }
}
