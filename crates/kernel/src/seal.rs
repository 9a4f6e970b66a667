//! Encryption of secrets in the database with AES-256-GCM (NIST SP 800-38D) under a key-encryption key, and authentication
//! tags (HMAC-SHA256) under keys derived from it, for data that must not be changed.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret, SecretSlice};

use crate::{Entropy, EntropyUnavailable};

/// The key-encryption keys of a deployment. The first one seals; all of them open, so that keys can be rotated.
pub struct KeyRing {
    keys: Vec<KeyEncryptionKey>,
}

struct KeyEncryptionKey {
    id: String,
    sealing: LessSafeKey,
    /// Keys for single purposes are derived from it.
    parent: hmac::Key,
}

/// An authentication tag, and the id of the key it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

/// Keys for one purpose, derived from the keys of a [`KeyRing`].
pub struct PurposeKeys {
    keys: Vec<(String, hmac::Key)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key-encryption key is configured")]
pub struct NoSealingKey;

/// A secret as it is stored: the id of its key, and nonce and ciphertext concatenated.
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
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error("sealing failed")]
    Failed,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("was sealed with the key-encryption key {0:?}, which is not configured")]
    UnknownKey(String),
    #[error(
        "cannot be opened: the key-encryption key {0:?} has another value than when it was sealed, or the data was changed"
    )]
    Refused(String),
}

impl KeyRing {
    /// # Errors
    /// [`InvalidKeyRing`] when there is no key, one is not 256 bits long, or two share an id.
    pub fn new(keys: impl IntoIterator<Item = (String, SecretSlice<u8>)>) -> Result<Self, InvalidKeyRing> {
        let mut key_ring: Vec<KeyEncryptionKey> = Vec::new();
        for (id, key) in keys {
            if key_ring.iter().any(|other| other.id == id) {
                return Err(InvalidKeyRing::DuplicateId(id));
            }
            match UnboundKey::new(&AES_256_GCM, key.expose_secret()) {
                Ok(sealing) => key_ring.push(KeyEncryptionKey {
                    id,
                    sealing: LessSafeKey::new(sealing),
                    parent: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()),
                }),
                Err(_) => return Err(InvalidKeyRing::WrongLength(id)),
            }
        }
        if key_ring.is_empty() { Err(InvalidKeyRing::Empty) } else { Ok(Self { keys: key_ring }) }
    }

    /// The id of the key that seals. `None` only for an empty key ring, which [`Self::new`] refuses.
    #[must_use]
    pub fn sealing_key_id(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Seals with the first key. The context names what the secret belongs to. It is not stored, and opening needs the same
    /// context, so a sealed secret cannot be moved to another row.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, secret: &[u8], context: &str, entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        let KeyEncryptionKey { id: key_id, sealing: key, .. } = self.keys.first().ok_or(SealError::Failed)?;
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
    /// [`OpenError`] if the key is missing or wrong, or the bytes or the context differ from those that were sealed.
    pub fn open(&self, sealed: &Sealed, context: &str) -> Result<SecretSlice<u8>, OpenError> {
        let KeyEncryptionKey { sealing: key, .. } =
            self.key(&sealed.key_id).ok_or_else(|| OpenError::UnknownKey(sealed.key_id.clone()))?;
        let refused = || OpenError::Refused(sealed.key_id.clone());
        let (nonce, ciphertext) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut buffer = ciphertext.to_vec();
        let length = key.open_in_place(nonce, aad(context, &sealed.key_id), &mut buffer).map_err(|_| refused())?.len();
        buffer.truncate(length);
        Ok(buffer.into())
    }

    /// HMAC-SHA256 of the data, with a key for this purpose that is derived from the first key.
    ///
    /// # Errors
    /// [`NoSealingKey`] only for an empty key ring, which [`Self::new`] refuses.
    pub fn tag(&self, purpose: &str, data: &[u8]) -> Result<Tag, NoSealingKey> {
        let key = self.keys.first().ok_or(NoSealingKey)?;
        let bytes = hmac::sign(&derive(&key.parent, purpose), data).as_ref().to_vec();
        Ok(Tag { key_id: key.id.clone(), bytes })
    }

    /// The keys for one purpose that are derived from all keys, for callers that make many tags.
    #[must_use]
    pub fn purpose_keys(&self, purpose: &str) -> PurposeKeys {
        PurposeKeys { keys: self.keys.iter().map(|key| (key.id.clone(), derive(&key.parent, purpose))).collect() }
    }

    /// Whether the tag matches the data; `None` if its key is not in the key ring.
    #[must_use]
    pub fn verify_tag(&self, tag: &Tag, purpose: &str, data: &[u8]) -> Option<bool> {
        let key = derive(&self.key(&tag.key_id)?.parent, purpose);
        Some(hmac::verify(&key, data, &tag.bytes).is_ok())
    }

    /// The ids of all keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Whether the key ring has a key with this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.key(id).is_some()
    }

    fn key(&self, id: &str) -> Option<&KeyEncryptionKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl PurposeKeys {
    /// The data's tag with each of the keys, that of the sealing key first.
    pub fn tags<'k>(&'k self, data: &'k [u8]) -> impl Iterator<Item = Tag> + 'k {
        self.keys
            .iter()
            .map(move |(id, key)| Tag { key_id: id.clone(), bytes: hmac::sign(key, data).as_ref().to_vec() })
    }
}

impl fmt::Debug for PurposeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

/// Derives a key for one purpose from a uniformly random secret (HKDF-Expand, RFC 5869, sections 2.3 and 3.3). The same secret
/// and purpose give the same key; the key does not reveal the secret.
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

    fn key_ring(keys: &[(&str, u8)]) -> KeyRing {
        KeyRing::new(keys.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
    }

    #[test]
    fn secret_opens_with_any_configured_key_in_its_context() {
        let sealed = key_ring(&[("old", 1)]).seal(b"secret", "row-1", &SystemEntropy::new()).unwrap();
        let rotated = key_ring(&[("new", 2), ("old", 1)]);
        assert_eq!(rotated.open(&sealed, "row-1").unwrap().expose_secret(), b"secret");
        assert!(matches!(rotated.open(&sealed, "row-2"), Err(OpenError::Refused(_))));
        assert!(matches!(key_ring(&[("new", 2)]).open(&sealed, "row-1"), Err(OpenError::UnknownKey(_))));
        assert!(matches!(key_ring(&[("old", 3)]).open(&sealed, "row-1"), Err(OpenError::Refused(_))));
    }

    #[test]
    fn tag_matches_only_its_data_purpose_and_key() {
        let tag = key_ring(&[("old", 1)]).tag("audit", b"data").unwrap();
        let rotated = key_ring(&[("new", 2), ("old", 1)]);
        assert_eq!(rotated.verify_tag(&tag, "audit", b"data"), Some(true));
        assert_eq!(rotated.verify_tag(&tag, "audit", b"date"), Some(false));
        assert_eq!(rotated.verify_tag(&tag, "cursor", b"data"), Some(false));
        assert_eq!(key_ring(&[("old", 3)]).verify_tag(&tag, "audit", b"data"), Some(false));
        assert_eq!(key_ring(&[("new", 2)]).verify_tag(&tag, "audit", b"data"), None);
    }

    #[test]
    fn key_ring_refuses_short_and_repeated_keys() {
        let key = |id: &str, length| (id.to_owned(), vec![7; length].into());
        assert!(matches!(KeyRing::new([key("a", 16)]), Err(InvalidKeyRing::WrongLength(_))));
        assert!(matches!(KeyRing::new([key("a", 32), key("a", 32)]), Err(InvalidKeyRing::DuplicateId(_))));
        assert!(matches!(KeyRing::new([]), Err(InvalidKeyRing::Empty)));
    }

    #[test]
    fn purpose_keys_make_the_tags_of_their_purpose() {
        let ring = key_ring(&[("new", 2), ("old", 1)]);
        let tags: Vec<_> = ring.purpose_keys("p").tags(b"data").collect();
        assert_eq!(tags[0], ring.tag("p", b"data").unwrap());
        assert_eq!(ring.verify_tag(&tags[1], "p", b"data"), Some(true));
        assert_eq!((tags[1].key_id.as_str(), tags.len()), ("old", 2));
    }
}
