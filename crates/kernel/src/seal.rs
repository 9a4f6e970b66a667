//! Sealing: AES-256-GCM (NIST SP 800-38D) under a key-encryption key, for secrets that are kept in the database; and tags
//! (HMAC-SHA256) under keys that are derived from it, for what is there to be read but not to be changed.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret, SecretSlice};

use crate::{Entropy, NoEntropy};

/// The key-encryption keys of a deployment. The first seals; all of them open, so that one can be replaced by another.
pub struct KeyRing {
    keys: Vec<RingKey>,
}

struct RingKey {
    id: String,
    sealing: LessSafeKey,
    /// What others are derived from.
    parent: hmac::Key,
}

/// A tag over data, and the key of the ring that it was made under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key-encryption key is configured")]
pub struct NoKey;

/// A secret as it is stored: which key sealed it, and nonce and ciphertext in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidKeyRing {
    #[error("no key-encryption key is configured")]
    Empty,
    #[error("key-encryption key {0:?} is not 32 bytes long")]
    WrongLength(String),
    #[error("key-encryption key id {0:?} is used twice")]
    DuplicateId(String),
}

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error("could not be sealed")]
    Failed,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("was sealed with the key-encryption key {0:?}, which is not configured")]
    UnknownKey(String),
    #[error("does not open: the key-encryption key {0:?} is another one than it was sealed with, or it was changed")]
    Refused(String),
}

impl KeyRing {
    /// # Errors
    /// [`InvalidKeyRing`] when there is no key, one is not 256 bits long, or two share an id.
    pub fn new(keys: impl IntoIterator<Item = (String, SecretSlice<u8>)>) -> Result<Self, InvalidKeyRing> {
        let mut ring: Vec<RingKey> = Vec::new();
        for (id, key) in keys {
            if ring.iter().any(|other| other.id == id) {
                return Err(InvalidKeyRing::DuplicateId(id));
            }
            match UnboundKey::new(&AES_256_GCM, key.expose_secret()) {
                Ok(sealing) => ring.push(RingKey {
                    id,
                    sealing: LessSafeKey::new(sealing),
                    parent: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()),
                }),
                Err(_) => return Err(InvalidKeyRing::WrongLength(id)),
            }
        }
        if ring.is_empty() { Err(InvalidKeyRing::Empty) } else { Ok(Self { keys: ring }) }
    }

    /// The id of the key that seals; a ring that was made has one.
    #[must_use]
    pub fn seals_with(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Seals with the first key. The context says what the secret belongs to; it is not stored, and only the same
    /// context opens it again, so that a sealed secret cannot be moved to another row.
    ///
    /// # Errors
    /// [`SealError`] without randomness.
    pub fn seal(&self, secret: &[u8], context: &str, entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        let RingKey { id: key_id, sealing: key, .. } = self.keys.first().ok_or(SealError::Failed)?;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        let mut ciphertext = secret.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(context, key_id), &mut ciphertext)
            .map_err(|_| SealError::Failed)?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut ciphertext);
        Ok(Sealed { key_id: key_id.clone(), bytes })
    }

    /// # Errors
    /// [`OpenError`] when the key is missing or wrong, or the bytes or the context are not what was sealed.
    pub fn open(&self, sealed: &Sealed, context: &str) -> Result<SecretSlice<u8>, OpenError> {
        let RingKey { sealing: key, .. } =
            self.key(&sealed.key_id).ok_or_else(|| OpenError::UnknownKey(sealed.key_id.clone()))?;
        let refused = || OpenError::Refused(sealed.key_id.clone());
        let (nonce, ciphertext) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut buffer = ciphertext.to_vec();
        let length = key.open_in_place(nonce, aad(context, &sealed.key_id), &mut buffer).map_err(|_| refused())?.len();
        buffer.truncate(length);
        Ok(buffer.into())
    }

    /// HMAC-SHA256 of the data, under a key for this purpose that is derived from the first key of the ring.
    ///
    /// # Errors
    /// [`NoKey`], which a ring that was made does not answer.
    pub fn tag(&self, purpose: &str, data: &[u8]) -> Result<Tag, NoKey> {
        let key = self.keys.first().ok_or(NoKey)?;
        let bytes = hmac::sign(&derive(&key.parent, purpose), data).as_ref().to_vec();
        Ok(Tag { key_id: key.id.clone(), bytes })
    }

    /// Whether the tag is that of the data; nothing when its key is not in the ring.
    #[must_use]
    pub fn is_tag_of(&self, tag: &Tag, purpose: &str, data: &[u8]) -> Option<bool> {
        let key = derive(&self.key(&tag.key_id)?.parent, purpose);
        Some(hmac::verify(&key, data, &tag.bytes).is_ok())
    }

    /// Whether there is a key of this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.key(id).is_some()
    }

    fn key(&self, id: &str) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

/// A key for one purpose, from a secret that is random throughout and cannot be found out from it (the second half of HKDF,
/// RFC 5869, sections 2.3 and 3.3). The same secret and purpose give the same key.
#[must_use]
pub fn derive_key(secret: &SecretSlice<u8>, purpose: &str) -> hmac::Key {
    derive(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret()), purpose)
}

fn derive(parent: &hmac::Key, purpose: &str) -> hmac::Key {
    let info = format!("{purpose}\u{1}");
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(parent, info.as_bytes()).as_ref())
}

fn aad(context: &str, key_id: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("{context}|{key_id}").into_bytes())
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    fn ring(keys: &[(&str, u8)]) -> KeyRing {
        KeyRing::new(keys.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
    }

    #[test]
    fn opens_with_any_key_of_the_ring_and_only_in_its_context() {
        let sealed = ring(&[("old", 1)]).seal(b"secret", "row-1", &SystemEntropy::new()).unwrap();
        let rotated = ring(&[("new", 2), ("old", 1)]);
        assert_eq!(rotated.open(&sealed, "row-1").unwrap().expose_secret(), b"secret");
        assert!(matches!(rotated.open(&sealed, "row-2"), Err(OpenError::Refused(_))));
        assert!(matches!(ring(&[("new", 2)]).open(&sealed, "row-1"), Err(OpenError::UnknownKey(_))));
        assert!(matches!(ring(&[("old", 3)]).open(&sealed, "row-1"), Err(OpenError::Refused(_))));
    }

    #[test]
    fn a_tag_is_of_its_data_purpose_and_key() {
        let tag = ring(&[("old", 1)]).tag("audit", b"data").unwrap();
        let rotated = ring(&[("new", 2), ("old", 1)]);
        assert_eq!(rotated.is_tag_of(&tag, "audit", b"data"), Some(true));
        assert_eq!(rotated.is_tag_of(&tag, "audit", b"date"), Some(false));
        assert_eq!(rotated.is_tag_of(&tag, "cursor", b"data"), Some(false));
        assert_eq!(ring(&[("old", 3)]).is_tag_of(&tag, "audit", b"data"), Some(false));
        assert_eq!(ring(&[("new", 2)]).is_tag_of(&tag, "audit", b"data"), None);
    }

    #[test]
    fn refuses_short_and_repeated_keys() {
        let key = |id: &str, length| (id.to_owned(), vec![7; length].into());
        assert!(matches!(KeyRing::new([key("a", 16)]), Err(InvalidKeyRing::WrongLength(_))));
        assert!(matches!(KeyRing::new([key("a", 32), key("a", 32)]), Err(InvalidKeyRing::DuplicateId(_))));
        assert!(matches!(KeyRing::new([]), Err(InvalidKeyRing::Empty)));
    }
}
