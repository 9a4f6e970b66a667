use std::fmt;

use kernel::ids::{ApiKeyId, TenantId};
use kernel::{Entropy, EntropyUnavailable};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::digest::sha256;

/// The secret of a key, shown once: when the key is made, or when its secret is replaced.
#[derive(Clone)]
pub struct ApiKeySecret(SecretString);

/// The SHA-256 of a whole secret, which is what is stored.
#[derive(Clone)]
pub struct ApiKeyHash([u8; 32]);

/// What a caller has shown. It has the form and the checksum of a key; whether there is such a key is not known yet.
#[derive(Clone, Debug)]
pub struct ShownApiKey {
    pub tenant: TenantId,
    pub key: ApiKeyId,
    pub hash: ApiKeyHash,
}

/// The text does not have the form of a key, or its checksum is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an API key")]
pub struct NotAnApiKey;

/// The digits of base 62 in the order of their values.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62 to the power of 22 is more than 2 to the power of 128.
const ID_DIGITS: usize = 22;
const RANDOM_BYTES: usize = 32;
/// 62 to the power of 43 is more than 2 to the power of 256.
const RANDOM_DIGITS: usize = 43;
/// 62 to the power of 6 is more than 2 to the power of 32.
const CHECKSUM_DIGITS: usize = 6;

impl ApiKeySecret {
    /// Distinguishes a key from an access token; secret scanners look for it.
    pub const PREFIX: &str = "parley_ak_";
    /// Bytes of a key. All of them are ASCII.
    pub const LEN: usize = Self::PREFIX.len() + 2 * ID_DIGITS + RANDOM_DIGITS + CHECKSUM_DIGITS;

    /// `parley_ak_`, then in base 62: the id of the key, that of its tenant, 32 random bytes, and the CRC-32 of all before it.
    ///
    /// # Errors
    /// [`EntropyUnavailable`].
    pub fn generate(tenant: TenantId, key: ApiKeyId, entropy: &dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut random = [0; RANDOM_BYTES];
        entropy.fill(&mut random)?;
        Ok(Self::of(tenant, key, &random))
    }

    fn of(tenant: TenantId, key: ApiKeyId, random: &[u8; RANDOM_BYTES]) -> Self {
        let mut text = Self::public_part(key);
        text.push_str(&base62(tenant.as_uuid().as_bytes(), ID_DIGITS));
        text.push_str(&base62(random, RANDOM_DIGITS));
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text.into())
    }

    /// How a key begins: enough to find it in a list, and no secret.
    #[must_use]
    pub fn public_part(key: ApiKeyId) -> String {
        format!("{}{}", Self::PREFIX, base62(key.as_uuid().as_bytes(), ID_DIGITS))
    }

    /// The secret itself, for the response that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    #[must_use]
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(sha256(self.expose()))
    }
}

impl ShownApiKey {
    /// Reads what a caller has shown. Nothing is asked of a database: what is no key costs none.
    ///
    /// # Errors
    /// [`NotAnApiKey`] for each text that [`ApiKeySecret::generate`] does not make.
    pub fn parse(text: &str) -> Result<Self, NotAnApiKey> {
        let rest = text.strip_prefix(ApiKeySecret::PREFIX).ok_or(NotAnApiKey)?;
        if text.len() != ApiKeySecret::LEN || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotAnApiKey);
        }
        let (checked, shown_checksum) = text.split_at(text.len() - CHECKSUM_DIGITS);
        if checksum(checked) != shown_checksum {
            return Err(NotAnApiKey);
        }
        let (key, rest) = rest.split_at(ID_DIGITS);
        let id = |digits: &str| parse_id(digits).ok_or(NotAnApiKey);
        Ok(Self {
            key: ApiKeyId::from_uuid(id(key)?),
            tenant: TenantId::from_uuid(id(&rest[..ID_DIGITS])?),
            hash: ApiKeyHash(sha256(text)),
        })
    }
}

impl ApiKeyHash {
    #[must_use]
    pub const fn from_stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// In a time that does not depend on the bytes.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

fn checksum(text: &str) -> String {
    base62(&crc32fast::hash(text.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS)
}

/// A number in base 62, with leading zeros.
fn base62(number: &[u8], digits: usize) -> String {
    let mut number = number.to_vec();
    let mut text = vec![DIGITS[0]; digits];
    for place in text.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in &mut number {
            let dividend = remainder << 8 | usize::from(*byte);
            *byte = u8::try_from(dividend / DIGITS.len()).unwrap_or(u8::MAX);
            remainder = dividend % DIGITS.len();
        }
        *place = DIGITS[remainder];
    }
    text.into_iter().map(char::from).collect()
}

/// `None` if a digit is none, or if the number is too large.
fn parse_id(digits: &str) -> Option<Uuid> {
    digits
        .bytes()
        .try_fold(0_u128, |number, digit| {
            let value = DIGITS.iter().position(|it| *it == digit)?;
            number.checked_mul(62)?.checked_add(u128::try_from(value).ok()?)
        })
        .map(Uuid::from_u128)
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(***)")
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use kernel::{SystemClock, SystemEntropy};
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = (TenantId, ApiKeyId)> {
        (any::<u128>(), any::<u128>()).prop_map(|(tenant, key)| {
            (TenantId::from_uuid(Uuid::from_u128(tenant)), ApiKeyId::from_uuid(Uuid::from_u128(key)))
        })
    }

    proptest! {
        #[test]
        fn shown_key_names_its_tenant_and_itself((tenant, key) in ids(), random in any::<[u8; 32]>()) {
            let secret = ApiKeySecret::of(tenant, key, &random);
            let shown = ShownApiKey::parse(secret.expose()).unwrap();
            prop_assert_eq!((shown.tenant, shown.key), (tenant, key));
            prop_assert!(shown.hash.is(&secret.hash()));
            prop_assert_eq!(secret.expose().len(), ApiKeySecret::LEN);
            prop_assert!(secret.expose().starts_with(&ApiKeySecret::public_part(key)));
        }

        #[test]
        fn one_other_character_breaks_the_checksum(
            (tenant, key) in ids(), random in any::<[u8; 32]>(), place in 0..ApiKeySecret::LEN, other in "[ -~]",
        ) {
            let text = ApiKeySecret::of(tenant, key, &random).expose().to_owned();
            let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            prop_assert_eq!(ShownApiKey::parse(&changed).is_ok(), changed == text);
        }

        #[test]
        fn two_swapped_characters_break_the_checksum(
            (tenant, key) in ids(), random in any::<[u8; 32]>(), place in 10..ApiKeySecret::LEN - 1,
        ) {
            let text = ApiKeySecret::of(tenant, key, &random).expose().to_owned();
            let mut swapped = text.clone().into_bytes();
            swapped.swap(place, place + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(ShownApiKey::parse(&swapped).is_ok(), swapped == text);
        }

        #[test]
        fn any_text_is_refused(text in ".{0,120}", tail in "[0-9A-Za-z]{93}") {
            prop_assert!(ShownApiKey::parse(&text).is_err());
            let checked = checksum(&format!("parley_ak_{}", &tail[..87])) == tail[87..];
            prop_assert_eq!(ShownApiKey::parse(&format!("parley_ak_{tail}")).is_ok(), checked);
        }
    }

    #[test]
    fn generated_keys_differ_and_are_not_printed() {
        let (clock, entropy) = (SystemClock::new(), SystemEntropy::new());
        let (tenant, key) = (TenantId::new(&clock), ApiKeyId::new(&clock));
        let one = ApiKeySecret::generate(tenant, key, &entropy).unwrap();
        let other = ApiKeySecret::generate(tenant, key, &entropy).unwrap();
        assert!(!one.hash().is(&other.hash()));
        assert_eq!(format!("{one:?} {:?}", one.hash()), "ApiKeySecret(***) ApiKeyHash(***)");
    }

    #[test]
    fn key_has_a_fixed_form() {
        let (tenant, key) = (TenantId::from_uuid(Uuid::from_u128(61)), ApiKeyId::from_uuid(Uuid::from_u128(u128::MAX)));
        let secret = ApiKeySecret::of(tenant, key, &[0; 32]);
        // The CRC-32 of zlib over the 97 bytes before, computed by another program.
        let expected = format!("parley_ak_7n42DGM5Tflk9n8mt7Fhc7{}z{}", "0".repeat(21), "0".repeat(43));
        assert_eq!(&secret.expose()[..97], expected);
        assert_eq!(&secret.expose()[97..], KNOWN_CHECKSUM);
    }

    const KNOWN_CHECKSUM: &str = "0eTVOt";

    #[test]
    fn id_that_does_not_fit_is_refused() {
        let body = format!("parley_ak_{}", "z".repeat(87));
        assert_eq!(ShownApiKey::parse(&format!("{body}{}", checksum(&body))).unwrap_err(), NotAnApiKey);
    }
}
